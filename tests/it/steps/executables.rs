//! What a program gets, and what is told of its end.

use std::fs::{self, Permissions};
use std::future::ready;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use justiam_server::allowed_folders::AllowedFolders;
use justiam_server::driver::execute::step::programs::{Job, Outcome, ProgramEnd};

use super::support::{Lab, executable, why};

#[tokio::test]
async fn a_program_gets_its_arguments_as_they_are_and_begins_in_its_own_folder() {
    let lab = Lab::new().await;
    fs::create_dir(lab.jobs().join("inner")).unwrap();
    let path = lab.shell("inner/program", r#"pwd; printf '<%s>' "$@""#);
    let arguments = Some(r#"one 'two three' "four"five $HOME *; #x"#.to_owned());
    let end = lab.run(Job::Executable { path: path.clone(), arguments, working_directory: None }).await;
    let expected = format!("{}\n<one><two three><fourfive><$HOME><*;><#x>", lab.job("inner"));
    assert_eq!((end.outcome, end.exit_code, end.output), (Outcome::Success, Some(0), Some(expected)));
    let elsewhere = Job::Executable { path, arguments: None, working_directory: Some(lab.job("")) };
    assert_eq!(lab.run(elsewhere).await.output.unwrap(), format!("{}\n<>", lab.jobs().display()));
}

#[tokio::test]
async fn a_program_has_an_environment_of_its_own_and_no_input() {
    let lab = Lab::new().await;
    let printed =
        lab.printed("env | sort | cut -d= -f1; test \"$HOME\" = \"$TMPDIR\" && test -d $HOME && cat; umask").await;
    let lines: Vec<&str> = printed.lines().collect();
    let expected = [
        "DOTNET_EnableDiagnostics",
        "HOME",
        "LANG",
        "PATH",
        "POWERSHELL_TELEMETRY_OPTOUT",
        "POWERSHELL_UPDATECHECK",
        "PWD",
        "TMPDIR",
    ];
    assert_eq!(lines[..lines.len() - 1], expected);
}

#[tokio::test]
async fn an_exit_code_and_a_signal_are_told() {
    let lab = Lab::new().await;
    let end = lab.sh("echo out; echo err >&2; echo last; exit 3").await;
    assert_eq!(why(&end), "exited with code 3");
    assert_eq!((end.exit_code, end.output.as_deref()), (Some(3), Some("out\nerr\nlast\n")));
    let end = lab.sh("kill -SEGV $$").await;
    assert_eq!((why(&end), end.exit_code, end.output.as_deref()), ("was ended by signal 11", Some(139), None));
}

#[tokio::test]
async fn what_cannot_be_run_says_why() {
    let lab = Lab::new().await;
    let program = lab.shell("program", "");
    let plain = lab.write("plain", "#!/bin/sh\n");
    let bare = lab.shell("bare", "");
    fs::write(&bare, "echo no interpreter is named\n").unwrap();
    let lost = lab.shell("lost", "");
    fs::write(&lost, "#!/no/such/interpreter\n").unwrap();
    symlink("/bin/sh", lab.jobs().join("link")).unwrap();
    let outside = "is not in a folder that this server allows; its operator can allow more with --step-folders (JUSTIAM_STEP_FOLDERS)";
    for (path, expected) in [
        ("/bin/sh".to_owned(), format!("executablePath: `/bin/sh` {outside}")),
        (lab.job("link"), format!("executablePath: `{}` {outside}", lab.job("link"))),
        (
            "program".to_owned(),
            "executablePath: `program` must be an absolute path, one that begins with `/`".to_owned(),
        ),
        (
            lab.job("none"),
            format!("executablePath: `{}` cannot be used: No such file or directory (os error 2)", lab.job("none")),
        ),
        (lab.job(""), format!("executablePath: `{}` is not a file", lab.job(""))),
        (plain.clone(), format!("executablePath: `{plain}` may not be executed; allow it with `chmod +x`")),
    ] {
        let end = lab.run(executable(&path)).await;
        assert_eq!(
            end,
            ProgramEnd { outcome: Outcome::Failed(expected), exit_code: None, output: None, isolation: None }
        );
    }
    let none = "it is neither a program of this system nor a script that begins with `#!` and its interpreter";
    let end = lab.run(executable(&bare)).await;
    assert_eq!((why(&end), end.exit_code), (format!("`{bare}` could not be started: {none}").as_str(), None));
    let end = lab.run(executable(&lost)).await;
    assert_eq!(why(&end), format!("`{lost}` could not be started: No such file or directory (os error 2)"));
    let job = |arguments: &str, folder: &str| Job::Executable {
        path: program.clone(),
        arguments: Some(arguments.to_owned()),
        working_directory: Some(folder.to_owned()),
    };
    let end = lab.run(job("'a", &lab.job(""))).await;
    assert_eq!(why(&end), "arguments: a quote `'` is not closed; write `\\'` for the character itself");
    assert_eq!(why(&lab.run(job("", "/tmp")).await), format!("workingDirectory: `/tmp` {outside}"));
    assert_eq!(why(&lab.run(job("", &program)).await), format!("workingDirectory: `{program}` is not a folder"));
}

#[tokio::test]
async fn without_allowed_folders_nothing_is_run_and_the_text_says_how_to_allow_some() {
    let lab = Lab::with(|settings| settings.folders = AllowedFolders::default()).await;
    let path = lab.shell("program", "");
    let expected = format!(
        "executablePath: `{path}` cannot be used: this server allows no folders; its operator can allow some with --step-folders \
         (JUSTIAM_STEP_FOLDERS)"
    );
    assert_eq!(why(&lab.run(executable(&path)).await), expected);
}

#[tokio::test]
async fn the_end_of_a_long_output_is_kept() {
    let lab = Lab::new().await;
    let printed = lab.printed("seq 1 200000; printf 'caf\\303\\251 \\377'").await;
    let (head, rest) = printed.split_once('\n').unwrap();
    assert_eq!(head, "… (the beginning of 1288902 bytes is left out)");
    assert!(rest.ends_with("199999\n200000\ncafé \u{fffd}") && printed.len() <= 64 << 10 && printed.len() > 60 << 10);
}

#[tokio::test]
async fn a_step_that_is_stopped_before_it_begins_is_stopped() {
    let lab = Lab::new().await;
    let path = lab.shell("program", "exec sleep 60");
    assert_eq!(lab.run_until(executable(&path), ready(())).await.outcome, Outcome::Stopped);
}

#[tokio::test]
async fn many_steps_run_at_the_same_time() {
    let lab = Lab::new().await;
    let path =
        lab.shell("program", "echo $1 >> started; while [ $(wc -l < started) -lt 16 ]; do sleep 0.05; done; echo $1");
    let job = |number: usize| Job::Executable {
        path: path.clone(),
        arguments: Some(number.to_string()),
        working_directory: None,
    };
    let ends =
        futures::future::join_all((0..16).map(|number| lab.programs.run(job(number), std::future::pending()))).await;
    for (number, end) in ends.into_iter().enumerate() {
        assert_eq!((end.outcome, end.output), (Outcome::Success, Some(format!("{number}\n"))));
    }
    fs::set_permissions(lab.jobs(), Permissions::from_mode(0o755)).unwrap();
    lab.assert_clean();
}
