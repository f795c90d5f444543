//! The provider's pages are generated; nobody has to remember it.

use std::fs;

use justiam_tests::programs::program;
use justiam_tests::provider_docs;

use super::root;

#[tokio::test]
async fn the_pages_are_what_the_provider_says() {
    let pages = provider_docs::generate(&program("terraform-provider-justiam"), &root()).await.unwrap();
    assert!(pages.len() >= 13, "found {} pages, so this test looks at the wrong place", pages.len());
    let differences = provider_docs::differences(&pages, &root());
    let how = "`cargo run -p justiam-tests --bin provider-docs` makes them, after a build of the provider";
    assert!(differences.is_empty(), "{}\n{how}", differences.join("\n"));
}

#[tokio::test]
async fn a_page_that_somebody_edits_forgets_or_leaves_behind_is_named() {
    let pages = provider_docs::generate(&program("terraform-provider-justiam"), &root()).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    provider_docs::write(&pages, copy.path()).unwrap();
    assert_eq!(provider_docs::differences(&pages, copy.path()), Vec::<String>::new());

    let page = |path: &str| copy.path().join("docs").join(path);
    let edited = fs::read_to_string(page("resources/schedule.md")).unwrap().replacen("# justiam", "# my", 1);
    fs::write(page("resources/schedule.md"), edited).unwrap();
    fs::remove_file(page("index.md")).unwrap();
    fs::write(page("data-sources/old.md"), "Old").unwrap();
    fs::create_dir(page("guides")).unwrap();
    fs::write(page("guides/mine.md"), "Guides are written by hand.").unwrap();
    let differences = provider_docs::differences(&pages, copy.path());
    assert_eq!(
        differences,
        [
            "docs/index.md is missing",
            "docs/resources/schedule.md differs from line 8 on",
            "docs/data-sources/old.md: the provider offers nothing of this name",
        ]
    );

    provider_docs::write(&pages, copy.path()).unwrap();
    assert_eq!(provider_docs::differences(&pages, copy.path()), Vec::<String>::new());
    assert!(page("guides/mine.md").exists());
}
