//! More than one client at once, and such as know no manners.

use serde_json::json;
use tfplugin_client::wire::tfplugin6 as pb;
use tfplugin_client::{PATIENCE, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use super::World;

/// How a client of HTTP/2 begins: its first words, and settings of which there are none.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The head of a frame of 256 bytes, and a few of them.
const HALF_A_FRAME: &[u8] = b"\0\x01\0\x01\x04\0\0\0\x01\x82\x86";

#[tokio::test]
async fn two_connections_of_one_client_work_at_once() {
    let world = World::talkative().await;
    let second = world.session.again().await;
    world.created(json!({"name": "a", "mood": "slow-read"})).await;
    let slow = json!({"id": "id-a", "name": "a", "mood": "slow-read"});
    let on_the_first = async { answer!(world, read_resource, world.to_read(slow)) };
    let on_the_second = async {
        world.said(r#""operation":"read""#).await;
        let plan = world.to_plan(json!(null), json!({"name": "b"}));
        let plan = second.provider().plan_resource_change(plan).await.unwrap().into_inner();
        // Both are of one provider: what one has configured is configured, and who stops, stops all.
        let stop = second.provider().stop_provider(pb::stop_provider::Request {}).await.unwrap().into_inner();
        (plan, stop)
    };
    let (read, (plan, stop)) = tokio::join!(on_the_first, on_the_second);
    assert_eq!((read.diagnostics, plan.diagnostics, &*stop.error), (vec![], vec![], ""));
    drop(second);
    world.created(json!({"name": "c"})).await;
    world.end().await;
}

#[tokio::test]
async fn hundreds_of_calls_at_once_each_have_their_own_answer() {
    let world = World::start().await;
    let second = world.session.again().await;
    let mut calls = JoinSet::new();
    for number in 0..300 {
        let mut provider = if number % 2 == 0 { world.session.provider() } else { second.provider() };
        let call = world.to_call("join", &[json!("-"), json!("call"), json!(number.to_string())]);
        let function = world.schemas.function("join").clone();
        calls.spawn(async move {
            let answer = provider.call_function(call).await.unwrap().into_inner();
            assert_eq!(function.result(answer.result.as_ref()), format!("call-{number}").into());
        });
    }
    assert_eq!(calls.join_all().await.len(), 300);
    drop(second);
    world.end().await;
}

/// What a client does before it falls silent, or goes.
#[derive(Clone, Copy, Debug)]
enum Manner {
    SaysNothing,
    SaysNonsense,
    SaysNothingAfterTls,
    SaysNonsenseAfterTls,
    StopsInAFrame,
}

/// Does it.
async fn misbehave(world: &World, manner: Manner) -> Box<dyn Send> {
    let plugin = &world.session.plugin;
    if let Manner::SaysNothing | Manner::SaysNonsense = manner {
        let mut stream = UnixStream::connect(plugin.socket()).await.unwrap();
        if let Manner::SaysNonsense = manner {
            stream.write_all(&[b'x'; 1000]).await.unwrap();
        }
        return Box::new(stream);
    }
    let mut stream = connect(&plugin.socket(), plugin.certificate(), Some(plugin.identity())).await.unwrap();
    match manner {
        Manner::SaysNonsenseAfterTls => stream.write_all(&[b'x'; 1000]).await.unwrap(),
        Manner::StopsInAFrame => stream.write_all(&[PREFACE, HALF_A_FRAME].concat()).await.unwrap(),
        _ => {}
    }
    stream.flush().await.unwrap();
    Box::new(stream)
}

#[tokio::test]
async fn clients_that_know_no_manners_disturb_nobody() {
    let world = World::talkative().await;
    world.created(json!({"name": "a", "mood": "slow-read"})).await;
    let slow = json!({"id": "id-a", "name": "a", "mood": "slow-read"});
    let running = async { answer!(world, read_resource, world.to_read(slow)) };
    let crowd = async {
        world.said(r#""operation":"read""#).await;
        let mut crowd = Vec::new();
        for number in 0..50 {
            crowd.push(misbehave(&world, MANNERS[number % MANNERS.len()]).await);
            // Every third goes in the middle of it.
            if number % 3 == 2 {
                crowd.pop();
            }
        }
        // Others are served meanwhile, over the connection that is there and over a new one.
        world.created(json!({"name": "b"})).await;
        let late = world.session.again().await;
        let metadata = late.provider().get_metadata(pb::get_metadata::Request {}).await.unwrap().into_inner();
        assert_eq!(metadata.diagnostics, []);
        answer!(world, stop_provider, pb::stop_provider::Request {});
        crowd
    };
    let (read, crowd) = tokio::join!(running, crowd);
    assert_eq!(read.diagnostics, []);
    // With all of them still there, it ends when it is asked to.
    world.end().await;
    drop(crowd);
}

const MANNERS: [Manner; 5] = [
    Manner::SaysNothing,
    Manner::SaysNonsense,
    Manner::SaysNothingAfterTls,
    Manner::SaysNonsenseAfterTls,
    Manner::StopsInAFrame,
];

#[tokio::test]
async fn nonsense_after_tls_is_hung_up_on() {
    let world = World::start().await;
    let plugin = &world.session.plugin;
    let mut stream = connect(&plugin.socket(), plugin.certificate(), Some(plugin.identity())).await.unwrap();
    stream.write_all(&[b'x'; 1000]).await.unwrap();
    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "the connection stays open");
    world.end().await;
}
