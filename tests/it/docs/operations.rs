//! The pages have the operations and the permissions that there are.

use std::fs;

use justiam_sdk::api::permissions::Permission;
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

#[test]
fn the_page_about_running_a_server_has_all_permissions() {
    let page = fs::read_to_string(root().join("docs/server/running.md")).unwrap();
    let (_, rest) = page.split_once("| Permission | Allows |\n|---|---|\n").unwrap();
    let (table, _) = rest.split_once("\n\n").unwrap();
    let told: Vec<&str> = table.lines().map(|line| line.split('`').nth(1).unwrap()).collect();
    let known: Vec<&str> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
    assert_eq!(told, known);
}
