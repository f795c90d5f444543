//! The page about the HTTP API has the operations that there are.

use std::fs;

use justiam_tests::programs::program;
use justiam_tests::soon;
use tokio::process::Command;

use super::root;

#[tokio::test]
async fn the_page_has_the_tables_that_the_server_prints() {
    let printed = Command::new(program("justiam-server")).args(["openapi", "--tables"]).output();
    let printed = String::from_utf8(soon("the tables", printed).await.unwrap().stdout).unwrap();
    let page = fs::read_to_string(root().join("docs/dev/http-api.md")).unwrap();
    let (_, rest) = page.split_once("<!-- operations -->\n").unwrap();
    let (tables, _) = rest.split_once("<!-- end of operations -->").unwrap();
    let hint = "put the output of `justiam-server openapi --tables` between the two marks";
    assert!(!printed.is_empty() && tables.trim() == printed.trim(), "docs/dev/http-api.md is not up to date: {hint}");
}
