//! The command line: subcommands, and one flag and variable for each setting, made from the settings themselves; it carries nothing out.

use crate::admin::Admin;
use crate::config::{self, Config, Key, Override};
use crate::error::Failure;
use crate::manual::Material;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, ValueHint};
use std::path::PathBuf;

/// The flag of `serve` for a site's first user.
const FIRST_LINK: &str = "first-link";

/// The settings that say where the database is, and what opens it.
const OF_STORE: [&str; 4] = ["data_dir", "database", "database_password_file", "site_key_file"];

/// The limits that a user may have of their own.
const OF_USER: [&str; 3] = ["accounts", "storage-mb", "commands-per-second"];

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Serve,
    Check,
    Protocols,
    Plugins,
    Healthcheck,
    Schema,
    Admin(Admin),
    Worker(Worker),
    Generate(Material, PathBuf),
}

/// What a worker is started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worker {
    /// The process that starts it.
    pub(crate) parent: u32,
}

/// A subcommand with its settings, not yet checked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) what: What,
    file: Option<PathBuf>,
    overrides: Vec<Override>,
    /// A site without users prints a link that makes the first.
    pub(crate) first_link: bool,
}

impl Asked {
    /// The settings, checked.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Ok(config::load(self.file.as_deref(), &self.overrides)?)
    }
}

/// The whole command line.
pub(crate) fn command() -> Command {
    public().subcommand(worker()).subcommand(generate())
}

/// What people use of it, for the manual and the shells.
pub(crate) fn public() -> Command {
    let keys = config::keys();
    let with_settings = |name: &'static str, about: &'static str| {
        let file = Arg::new("config")
            .long("config")
            .short('c')
            .env("BELLFLOWER_CONFIG")
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .help("Read the settings from this file");
        keys.iter().fold(Command::new(name).about(about).arg(file), |command, key| command.arg(argument(key)))
    };
    // The same settings, so that the same flags and variables serve; help shows those that such a command reads.
    let for_admin = |name: &'static str, about: &'static str| {
        with_settings(name, about).mut_args(|arg| {
            let aside = keys.iter().any(|key| arg.get_id() == key.path.as_str()) && !OF_STORE.contains(&arg.get_id().as_str());
            arg.hide(aside)
        })
    };
    Command::new("bellflower")
        .about("Every instant-messaging network in one web page")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            with_settings("serve", "Serve the page").arg(
                Arg::new(FIRST_LINK)
                    .long(FIRST_LINK)
                    .action(ArgAction::SetTrue)
                    .help("While the site has no users, print a link by which the first can be made"),
            ),
        )
        .subcommand(with_settings("check", "Check the settings, say what is wrong with them, and end"))
        .subcommand(with_settings(
            "protocols",
            "List the networks that libpurple offers, and of each plugin whether it is taken, or why not",
        ))
        .subcommand(with_settings(
            "plugins",
            "Tell of each plugin file its id, version and kind, whether it is loaded or why not, and what it may need",
        ))
        .subcommand(with_settings("healthcheck", "Ask the daemon with these settings whether it is well"))
        .subcommand(Command::new("schema").about("Print the JSON schema of the HTTP interface"))
        .subcommand(users(&for_admin))
        .subcommand(
            for_admin("invite", "Make an invite, by which people become users")
                .arg(Arg::new("note").long("note").value_name("TEXT").default_value("").help("For whom it is"))
                .arg(number("uses", "How many people may use it").default_value("1"))
                .arg(number("days", "For how many days it is good").default_value("7"))
                .arg(Arg::new("list").long("list").action(ArgAction::SetTrue).help("List the invites that are not used up instead")),
        )
        .subcommand(
            group("protocol", "Switch protocols off and on while the daemon runs").subcommands([
                for_admin("disable", "Sign all accounts of a protocol off, and let nobody sign on until it is enabled")
                    .arg(positional("id", "ID")),
                for_admin("enable", "Let people sign on to a protocol again; accounts that were signed off come back")
                    .arg(positional("id", "ID")),
                for_admin("list", "List the protocols, and whether they are enabled"),
            ]),
        )
        .subcommand(
            for_admin("audit", "Print the newest entries of the audit log: time, act, user, particulars")
                .arg(Arg::new("who").value_name("NAME").help("Of this user alone"))
                .arg(number("most", "How many, and how many of those that failed").default_value("100")),
        )
        .subcommand(group("db", "Look after the database").subcommands([
            for_admin("backup", "Write a consistent copy into a new file, while the daemon runs").arg(file_argument()),
            for_admin("check", "Look for damage, while the daemon runs"),
            for_admin("reindex", "Make the index anew by which messages are searched; the daemon is stopped"),
            for_admin("restore", "Put a back-up into the empty database of these settings; the daemon is stopped").arg(file_argument()),
            for_admin("move", "Copy everything into the empty database URL; the daemon is stopped").arg(positional("url", "URL")),
        ]))
}

fn group(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).subcommand_required(true).arg_required_else_help(true)
}

fn positional(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).required(true).value_name(value)
}

fn file_argument() -> Arg {
    positional("file", "FILE").value_hint(ValueHint::FilePath).value_parser(clap::value_parser!(PathBuf))
}

fn number(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("NUMBER").help(help).value_parser(clap::value_parser!(u32).range(1..))
}

/// A limit of a user's own: a number, or `site` for none.
fn limit(text: &str) -> Result<String, &'static str> {
    if text == "site" || text.parse::<u32>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err("give a number, or `site` for the site's own limit")
    }
}

fn users(for_admin: &dyn Fn(&'static str, &'static str) -> Command) -> Command {
    let of_user = |name, about| for_admin(name, about).arg(positional("who", "NAME"));
    let most = |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("NUMBER|site").value_parser(limit).help(help);
    group("user", "Look after the users of the site").subcommands([
        of_user("add", "Make a user; the password is read from the terminal or standard input"),
        for_admin("list", "List the users: name, state, last use"),
        of_user("show", "Show what is known of a user"),
        of_user("disable", "Sign a user out, and let them in no more"),
        of_user("enable", "Let a user in again"),
        of_user("password", "Give a user another password, read from the terminal or standard input").arg(
            Arg::new("lose-secrets")
                .long("lose-secrets")
                .action(ArgAction::SetTrue)
                .help("Go on though the passwords of the user's IM accounts are lost"),
        ),
        of_user("remove", "Delete a user with everything")
            .arg(Arg::new("yes").long("yes").action(ArgAction::SetTrue).help("Do it, for ever")),
        of_user("limit", "Give a user limits of their own")
            .arg(most("accounts", "IM accounts"))
            .arg(most("storage-mb", "MiB of messages and pictures"))
            .arg(most("commands-per-second", "Commands a second"))
            .group(ArgGroup::new("own limits").args(OF_USER).multiple(true).required(true)),
    ])
}

/// The administrator's command and the matches with its settings; `None` for other subcommands.
fn admin<'a>(name: &str, matches: &'a ArgMatches) -> Option<(Admin, &'a ArgMatches)> {
    let inner = matches.subcommand();
    let (verb, own) = inner.unwrap_or(("", matches));
    let text = |id: &str| own.try_get_one::<String>(id).ok().flatten().cloned().unwrap_or_default();
    let flag = |id: &str| own.try_get_one::<bool>(id).ok().flatten().copied().unwrap_or_default();
    let number = |id: &str| own.try_get_one::<u32>(id).ok().flatten().copied().unwrap_or(1);
    let file = || own.try_get_one::<PathBuf>("file").ok().flatten().cloned().unwrap_or_default();
    let named = || text("who");
    let admin = match (name, verb) {
        ("user", "add") => Admin::Add { name: named() },
        ("user", "list") => Admin::List,
        ("user", "show") => Admin::Show { name: named() },
        ("user", "disable" | "enable") => Admin::Disable { name: named(), disabled: verb == "disable" },
        ("user", "password") => Admin::Password { name: named(), lose_secrets: flag("lose-secrets") },
        ("user", "remove") => Admin::Remove { name: named(), yes: flag("yes") },
        ("user", "limit") => {
            let given = |id: &str| own.try_get_one::<String>(id).ok().flatten().map(|most| (id.to_owned(), most.parse().ok()));
            Admin::Limit { name: named(), limits: OF_USER.into_iter().filter_map(given).collect() }
        }
        ("invite", _) if flag("list") => Admin::Invites,
        ("invite", _) => Admin::Invite { note: text("note"), uses: number("uses"), days: number("days") },
        ("protocol", "list") => Admin::Protocols,
        ("protocol", _) => Admin::Protocol { id: text("id"), disabled: verb == "disable" },
        ("audit", _) => Admin::Audit { name: Some(named()).filter(|name| !name.is_empty()), most: number("most") },
        ("db", "backup") => Admin::Backup { file: file() },
        ("db", "check") => Admin::Check,
        ("db", "reindex") => Admin::Reindex,
        ("db", "restore") => Admin::Restore { file: file() },
        ("db", "move") => Admin::Move { to: text("url") },
        _ => return None,
    };
    Some((admin, own))
}

/// Started by `serve` alone.
fn worker() -> Command {
    let number = |name: &'static str| Arg::new(name).long(name).required(true).value_name("NUMBER");
    Command::new("worker")
        .about("One libpurple of a site; `serve` starts it")
        .hide(true)
        // For whoever looks at the processes.
        .arg(number("number").value_parser(clap::value_parser!(u16)))
        .arg(number("parent").value_parser(clap::value_parser!(u32)))
}

/// Run by packagers alone.
fn generate() -> Command {
    Command::new("generate")
        .about("Write the manual pages or the shells' completions into a directory")
        .hide(true)
        .arg(Arg::new("material").required(true).value_parser(["man", "completions"]))
        .arg(Arg::new("folder").required(true).value_name("DIR").value_parser(clap::value_parser!(PathBuf)))
}

fn argument(key: &Key) -> Arg {
    let help = match &key.default {
        Some(default) if !default.is_empty() => format!("{} [default: {default}]", key.help),
        _ => key.help.clone(),
    };
    Arg::new(key.path.clone()).long(key.flag()).env(key.variable()).hide_env(true).value_name("VALUE").help(help).allow_hyphen_values(true)
}

/// Reads the command line; prints and exits by itself for `--help`, `--version` and what cannot be read (exit code 2).
pub(crate) fn parse() -> Result<Asked, Failure> {
    Ok(asked(&command().get_matches()))
}

fn asked(matches: &ArgMatches) -> Asked {
    let (name, matches) = matches.subcommand().unwrap_or(("serve", matches));
    let asked_by_admin = admin(name, matches);
    let matches = asked_by_admin.as_ref().map_or(matches, |(_, own)| own);
    let what = match name {
        _ if let Some((admin, _)) = asked_by_admin.clone() => What::Admin(admin),
        "check" => What::Check,
        "protocols" => What::Protocols,
        "plugins" => What::Plugins,
        "healthcheck" => What::Healthcheck,
        "worker" => {
            let parent = matches.get_one("parent").copied().unwrap_or_default();
            return Asked { what: What::Worker(Worker { parent }), file: None, overrides: Vec::new(), first_link: false };
        }
        "generate" => {
            let completions = matches.get_one::<String>("material").is_some_and(|material| material == "completions");
            let folder = matches.get_one("folder").cloned().unwrap_or_default();
            let material = if completions { Material::Completions } else { Material::Man };
            return Asked { what: What::Generate(material, folder), file: None, overrides: Vec::new(), first_link: false };
        }
        "schema" => return Asked { what: What::Schema, file: None, overrides: Vec::new(), first_link: false },
        _ => What::Serve,
    };
    let overrides = config::keys().into_iter().filter_map(|key| {
        let text = matches.get_one::<String>(&key.path)?.clone();
        let source = match matches.value_source(&key.path) {
            Some(ValueSource::EnvVariable) => key.variable(),
            _ => format!("--{}", key.flag()),
        };
        Some(Override { key, source, text })
    });
    let first_link = what == What::Serve && matches.get_flag(FIRST_LINK);
    Asked { what, file: matches.get_one::<String>("config").map(PathBuf::from), overrides: overrides.collect(), first_link }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_a_flag() {
        command().debug_assert();
        let line = ["bellflower", "serve", "--limits-users", "3", "--listen", "127.0.0.1:0", "-c", "x.toml"];
        let asked = asked(&command().try_get_matches_from(line).unwrap());
        assert_eq!((asked.what, asked.file.as_deref()), (What::Serve, Some(std::path::Path::new("x.toml"))));
        let given: Vec<_> = asked.overrides.iter().map(|o| (o.source.as_str(), o.text.as_str())).collect();
        assert!(given.contains(&("--limits-users", "3")) && given.contains(&("--listen", "127.0.0.1:0")), "{given:?}");
        assert!(command().try_get_matches_from(["bellflower", "serve", "--limits-user", "3"]).is_err());
    }

    #[test]
    fn limits_of_a_user_are_numbers_or_the_sites() {
        let read = |rest: &[&str]| command().try_get_matches_from([&["bellflower", "user", "limit", "Ines"], rest].concat());
        let limits = |rest: &[&str]| match asked(&read(rest).unwrap()).what {
            What::Admin(Admin::Limit { limits, .. }) => limits,
            other => panic!("{other:?}"),
        };
        let given = limits(&["--accounts", "3", "--storage-mb", "site"]);
        assert_eq!(given, [("accounts".to_owned(), Some(3)), ("storage-mb".to_owned(), None)]);
        // A text that is no number must not be taken for the site's limit.
        for wrong in [&["--accounts", "3x"][..], &["--accounts", "-1"], &["--storage-mb", "99999999999"], &["--accounts", ""], &[]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn help_for_administrators_shows_what_their_commands_read() {
        let help = |line: &[&str]| command().try_get_matches_from(line).unwrap_err().to_string();
        for line in
            [&["bellflower", "user", "add", "--help"][..], &["bellflower", "db", "check", "--help"], &["bellflower", "invite", "--help"]]
        {
            let text = help(line);
            assert!(text.contains("--database-password-file") && text.contains("--data-dir") && !text.contains("--hold-ms"), "{text}");
        }
        assert!(help(&["bellflower", "serve", "--help"]).contains("--hold-ms"));
        let line = ["bellflower", "user", "list", "--hold-ms", "20000"];
        assert!(command().try_get_matches_from(line).is_ok(), "a hidden flag is taken all the same");
    }
}
