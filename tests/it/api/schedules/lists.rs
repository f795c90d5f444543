//! Lists of schedules.

use serde_json::{Value, json};

use super::{Api, SCHEDULES, create, mornings, program};

async fn names(api: &Api, query: &str) -> String {
    let page = api.get(&format!("{SCHEDULES}?{query}")).await.expect(200).json();
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
}

async fn five() -> Api {
    let api = Api::start().await;
    for (name, changes) in [
        ("c", json!({ "runTimes": "09:00", "description": "Nightly 100 %" })),
        ("a", json!({ "isEnabled": false })),
        ("e", json!({ "runTimes": "08:00", "steps": [program(1, "/opt/y"), program(0, "/opt/x")] })),
        ("b", json!({ "triggerType": "Manual" })),
        ("d", json!({ "runTimes": "07:00" })),
    ] {
        let mut body = mornings(&changes);
        body["name"] = json!(name);
        create(&api, &body).await;
    }
    api
}

#[tokio::test]
async fn pages_are_those_that_existing_clients_know() {
    let api = five().await;
    let page = api.get(&format!("{SCHEDULES}?page=2&pageSize=2")).await.expect(200).json();
    let facts = |page: &Value| {
        ["totalCount", "page", "pageSize", "totalPages", "hasNextPage", "hasPreviousPage"]
            .map(|name| page[name].clone())
    };
    assert_eq!(facts(&page), [json!(5), json!(2), json!(2), json!(3), json!(true), json!(true)]);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert_eq!(page["items"][0].get("steps"), None);
    assert_eq!(page["items"][0]["stepCount"], 2);
    let beyond = api.get(&format!("{SCHEDULES}?PAGE=9&PageSize=5000&unknown=1")).await.expect(200).json();
    assert_eq!(facts(&beyond), [json!(5), json!(9), json!(1000), json!(1), json!(false), json!(true)]);
    assert_eq!(beyond["items"], json!([]));
    for first in ["page=0", "page=-7", ""] {
        assert_eq!(names(&api, first).await, "c a e b d");
    }
    assert_eq!(names(&api, "page=10000&pageSize=1000").await, "");
    for (query, field) in [
        ("pageSize=0", "pageSize"),
        ("pageSize=-1", "pageSize"),
        ("page=x", "page"),
        ("page=1&Page=2", "Page"),
        ("page=10001&pageSize=1000", "page"),
        ("page=9223372036854775807", "page"),
    ] {
        api.get(&format!("{SCHEDULES}?{query}")).await.wrong_fields(&[field]);
    }
}

#[tokio::test]
async fn lists_are_searched_and_sorted() {
    let api = five().await;
    for (query, expected) in [
        ("sortBy=name", "a b c d e"),
        ("sortBy=NAME&sortDescending=true", "e d c b a"),
        ("sortBy=nextRunTime", "d e c a b"),
        ("sortBy=nextRun&sortDescending=True", "c e d a b"),
        ("sortBy=enabled", "a c e b d"),
        ("sortBy=created&sortDescending=true", "d b e a c"),
        ("sortBy=anything", "c a e b d"),
        ("search=NIGHT", "c"),
        ("search=0%20%25", "c"),
        ("search=", "c a e b d"),
        ("search=zzz", ""),
        ("name=b", "b"),
        ("name=B", ""),
    ] {
        assert_eq!(names(&api, query).await, expected, "{query}");
    }
    api.get(&format!("{SCHEDULES}?search={}", "x".repeat(201))).await.wrong_fields(&["search"]);
    api.get(&format!("{SCHEDULES}?name=a%00&sortDescending=2")).await.wrong_fields(&["name", "sortDescending"]);
}

#[tokio::test]
async fn a_list_can_show_steps() {
    let api = five().await;
    let page = api.get(&format!("{SCHEDULES}?include=steps")).await.expect(200).json();
    assert_eq!(page["items"][0]["steps"], json!([]));
    let one = api.get(&format!("{SCHEDULES}/{}", page["items"][2]["id"].as_str().unwrap())).await.json();
    assert_eq!(page["items"][2], one);
    assert_eq!(one["steps"][0]["executablePath"], "/opt/x");
    api.get(&format!("{SCHEDULES}?include=secrets")).await.wrong_fields(&["include"]);
}
