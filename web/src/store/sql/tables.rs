//! Lists the tables of every database, column by column: they are made, copied, counted and emptied by this list. Holds no statement.

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// 64 bits: numbers, ids as they are, times in milliseconds since 1970, 0 and 1.
    Int,
    /// A text of any length.
    Text,
    /// A text of at most 255 characters, which may be part of a key. Compared byte by byte.
    Name,
    /// Any bytes.
    Bytes,
    /// At most 64 bytes, which may be part of a key.
    Hash,
}

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) null: bool,
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    /// The primary key, which is the order in which rows are copied.
    pub(super) key: &'static [&'static str],
    /// Rows are small and are found by the key alone: SQLite keeps them in the key's tree.
    pub(super) in_key: bool,
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int, null: false }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text, null: false }
}

const fn short(name: &'static str) -> Column {
    Column { name, kind: Kind::Name, null: false }
}

const fn bytes(name: &'static str) -> Column {
    Column { name, kind: Kind::Bytes, null: false }
}

const fn hash(name: &'static str) -> Column {
    Column { name, kind: Kind::Hash, null: false }
}

const fn or_null(column: Column) -> Column {
    Column { null: true, ..column }
}

const fn table(name: &'static str, key: &'static [&'static str], in_key: bool, columns: &'static [Column]) -> Table {
    Table { name, columns, key, in_key }
}

/// The table of what a database says of itself: `schema`, and counters. It is made before all others.
pub(super) const META: Table = table("bellflower", &["name"], true, &[short("name"), int("value")]);

/// The messages. `late`: milliseconds from the number's time to the message's own.
pub(super) const MESSAGES: &str = "messages";

/// The tables of schema 1, in the order in which they are copied. `owner` is the user.
pub(super) const FIRST: &[Table] = &[
    table(
        "users",
        &["id"],
        false,
        &[
            int("id"),
            text("name"),
            short("folded"),
            text("password_check"),
            or_null(bytes("by_password")),
            or_null(bytes("by_recovery")),
            or_null(bytes("by_site")),
            int("created"),
            or_null(int("used")),
            int("disabled"),
            text("limits"),
        ],
    ),
    table(
        "browsers",
        &["token"],
        false,
        &[hash("token"), int("owner"), text("device"), int("created"), int("used"), or_null(bytes("wrap"))],
    ),
    table("invites", &["code"], false, &[hash("code"), text("note"), int("created"), int("expires"), int("uses")]),
    table("audit", &["id"], false, &[int("id"), int("at"), or_null(int("owner")), text("act"), text("detail")]),
    table("changes", &["id"], false, &[int("id"), text("body")]),
    table("accounts", &["owner", "id"], false, &[int("owner"), int("id"), int("created"), text("settings"), or_null(bytes("icon"))]),
    // `place` is the secret's place in its account's list: names of fields come from plugins and may be of any length.
    table("secrets", &["owner", "account", "place"], true, &[int("owner"), int("account"), int("place"), text("field"), bytes("sealed")]),
    table(
        "buddies",
        &["owner", "account", "id"],
        true,
        &[int("owner"), int("account"), int("id"), text("name"), text("group_name"), text("alias")],
    ),
    table(
        "conversations",
        &["owner", "id"],
        true,
        &[
            int("owner"),
            int("id"),
            int("account"),
            int("kind"),
            text("name"),
            text("title"),
            int("is_open"),
            int("seen"),
            or_null(int("keep")),
            or_null(int("days")),
        ],
    ),
    // `digest` is 64 bits of the name's SHA-256, so that names of any length have a key.
    table("user_groups", &["owner", "digest"], true, &[int("owner"), int("digest"), text("name"), int("place"), int("collapsed")]),
    table("settings", &["owner", "digest"], true, &[int("owner"), int("digest"), text("name"), text("value")]),
    table("outbox", &["owner", "number"], true, &[int("owner"), int("number"), int("conversation"), text("body"), int("handed_over")]),
    table(
        "gaps",
        &["owner", "conversation", "after", "began"],
        true,
        &[int("owner"), int("conversation"), int("after"), int("began"), or_null(int("ended")), text("why")],
    ),
    // Conversations whose messages up to a number are deleted and still take room (see `remove`).
    table("graves", &["owner", "conversation"], true, &[int("owner"), int("conversation"), int("upto")]),
    table("blobs", &["hash"], false, &[short("hash"), bytes("body")]),
    // Which message of a conversation showed the picture last.
    table("blob_uses", &["owner", "conversation", "hash"], true, &[int("owner"), int("conversation"), short("hash"), int("number")]),
    table(
        MESSAGES,
        &["number"],
        false,
        &[
            int("number"),
            int("conversation"),
            int("owner"),
            int("late"),
            int("flags"),
            text("author"),
            or_null(text("alias")),
            or_null(int("buddy")),
            text("body"),
            or_null(text("spans")),
            or_null(text("server_id")),
        ],
    ),
];

/// Terms of messages, on databases without an index of that kind (see `terms`). The rows are made out of the messages, and so not copied.
pub(super) const TERMS: Table = table("message_terms", &["owner", "term", "number"], true, &[int("owner"), short("term"), int("number")]);

impl Table {
    /// Its columns' names, with commas.
    pub(super) fn list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        names.join(",")
    }
}

/// A table of the list by its name.
pub(super) fn named(name: &str) -> &'static Table {
    FIRST.iter().find(|table| table.name == name).unwrap_or(&META)
}
