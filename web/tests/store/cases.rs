//! What every store does. Each case is a function over `dyn Store`; `servers` runs all of them on each kind of database.

mod history;
mod people;
mod search;
mod state;

use std::pin::Pin;
use std::sync::Arc;
use web::store::Store;

/// A case, under way.
type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
type Case = (&'static str, fn(Arc<dyn Store>) -> Running);

macro_rules! cases {
    ($($module:ident: $($name:ident)*;)*) => {
        const CASES: &[Case] = &[$($((stringify!($name), |store| Box::pin($module::$name(store)))),*),*];
    };
}

cases! {
    people: users_are_found_by_name_and_id names_are_taken_once users_are_listed_by_name keys_change_and_sign_others_out
        disabling_signs_out limits_are_kept browsers_are_remembered browsers_end_without_use invites_are_used_up audit_is_newest_first failures_push_nothing_else_out
        changes_are_told_in_order forgotten_secrets_are_gone;
    state: everything_of_a_user_comes_back later_words_count settings_come_and_go a_line_waits_until_it_is_done a_buddy_goes
        an_account_goes_with_its_talks a_user_goes_whole pictures_are_stored_once names_may_be_long a_refused_write_leaves_nothing;
    history: pages_go_both_ways a_message_changes a_retry_doubles_nothing a_retry_over_a_deletion_keeps_what_came_after
        five_thousand_at_once any_text_comes_back nobody_sees_anothers nobody_makes_holes_in_anothers_pages unread_is_counted gaps_stand_where_they_are
        a_conversation_is_deleted a_large_conversation_is_deleted_in_steps old_messages_go
        pictures_go_with_old_messages usage_is_near many_read_at_once
        what_came_late_has_its_place;
    search: every_question_has_one_answer hits_come_newest_first_and_page_by_page a_search_is_of_a_person_a_place_and_a_time
        rare_words_in_much_are_found nobody_finds_anothers what_is_changed_or_gone_is_not_found what_is_being_deleted_is_not_found
        old_and_foreign_words_go_with_their_messages;
}

pub(crate) async fn run_all(store: Arc<dyn Store>) {
    for (name, case) in CASES {
        // Seen when one fails.
        println!("{name}");
        let start = std::time::Instant::now();
        case(Arc::clone(&store)).await;
        println!("  {:?}", start.elapsed());
    }
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}
