//! Tickets with an id: one call of all instances may use each of them.

use crate::store::{Instance, TICKET_KEY, ticket};
use crate::support::app::Function;
use crate::support::redis::RedisServer;

const TICKETS: [(&str, &str); 2] = [("UPLOAD_AUTH", "ticket"), ("UPLOAD_TICKET_KEYS", TICKET_KEY)];

async fn code(function: &Function, ticket: &str) -> String {
    function.ask("", &[("x-upload-ticket", ticket)]).await.code()
}

#[tokio::test]
async fn a_ticket_with_an_id_is_good_for_one_call_of_all_instances() {
    let redis = RedisServer::start(&[]).await;
    let instance = Instance::of(&redis.url(), &TICKETS);
    let (one, other) = (instance.start(), instance.start());
    let first = ticket("alice", Some("1"));
    assert_eq!(code(&one, &first).await, "");
    for function in [&one, &other] {
        let answer = function.ask("", &[("x-upload-ticket", &first)]).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "ticket_used"));
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("ticket_used"), "{challenge}");
    }
    assert_eq!(code(&other, &ticket("alice", Some("2"))).await, "");
    assert_eq!(code(&other, &ticket("bob", Some("1"))).await, "", "the id is one of alice's");
    // The store remembers it longer than any instance accepts it.
    let left = redis.names().into_iter().map(|name| redis.ask(&["TTL", &name]));
    assert!(left.map(|left| left.parse::<u32>().unwrap()).all(|left| left > 600 && left <= 1200));
}

#[tokio::test]
async fn a_ticket_without_an_id_and_one_without_a_store_are_good_for_several_calls() {
    let redis = RedisServer::start(&[]).await;
    let shared = Instance::of(&redis.url(), &TICKETS).start();
    let alone = Instance::of("", &TICKETS).start();
    for _ in 0..3 {
        assert_eq!(code(&shared, &ticket("alice", None)).await, "");
        assert_eq!(code(&alone, &ticket("alice", Some("1"))).await, "");
    }
    assert_eq!(redis.names(), [""; 0]);
}

#[tokio::test]
async fn a_call_that_is_refused_does_not_use_the_ticket_up() {
    let redis = RedisServer::start(&[]).await;
    let variables = [&TICKETS[..], &[("UPLOAD_BUDGETS", "total 1/1h")]].concat();
    let function = Instance::of(&redis.url(), &variables).start();
    let ticket = ticket("alice", Some("1"));
    let headers = [("x-upload-ticket", ticket.as_str())];
    assert_eq!(function.ask("?size=0", &headers).await.code(), "file_too_small");
    assert_eq!(code(&function, &self::ticket("bob", None)).await, "");
    assert_eq!(code(&function, &ticket).await, "budget_exceeded");
    redis.ask(&["FLUSHALL"]);
    assert_eq!(code(&function, &ticket).await, "");
    assert_eq!(code(&function, &ticket).await, "ticket_used");
}

#[tokio::test]
async fn an_instance_remembers_its_tickets_while_the_store_fails() {
    let mut redis = RedisServer::start(&[]).await;
    let function = Instance::of(&redis.url(), &TICKETS).start();
    let (before, during) = (ticket("alice", Some("1")), ticket("alice", Some("2")));
    assert_eq!(code(&function, &before).await, "");
    redis.kill();
    assert_eq!(code(&function, &before).await, "ticket_used");
    assert_eq!(code(&function, &during).await, "");
    assert_eq!(code(&function, &during).await, "ticket_used");
}
