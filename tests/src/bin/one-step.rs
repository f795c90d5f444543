//! Runs one program as a step of a schedule does, in a process that a test may kill: `one-step FOLDER HELPER PROGRAM`. `FOLDER/jobs` is
//! allowed, and `FOLDER/data` is the data folder.

use std::env;
use std::error::Error;
use std::future::pending;
use std::path::Path;

use justiam_server::allowed_folders::AllowedFolders;
use justiam_server::driver::execute::step::programs::{Job, Programs, Settings};
use justiam_server::store::Db;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, helper, program] = arguments.as_slice() else {
        return Err("usage: one-step FOLDER HELPER PROGRAM".into());
    };
    let folder = Path::new(folder);
    let data = folder.join("data");
    std::fs::create_dir_all(&data)?;
    let folders = AllowedFolders::new(&[folder.join("jobs")], &data)?;
    let db = Db::open_sqlite(&data.join("justiam.db")).await?;
    let programs = Programs::new(Settings::new(helper, data.join("steps"), folders), db)?;
    let job = Job::Executable { path: program.clone(), arguments: None, working_directory: None };
    let end = programs.run(job, pending()).await;
    Err(format!("{end:?}").into())
}
