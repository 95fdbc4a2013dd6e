//! The manual pages and the shells' completions, made from the command line and the settings themselves; it reads no configuration.

mod markdown;

use crate::cli;
use crate::config::{self, Key, Kind};
use crate::error::Failure;
use clap_complete::Shell;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use std::io;
use std::path::Path;

/// What can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Material {
    Man,
    Completions,
}

const CONFIG_FILE: &str = "/etc/bellflower/bellflower.toml";
/// The numbers are those of [`Failure::code`].
const EXIT_CODES: &[(u8, &str)] = &[
    (0, "All went well; the daemon was told to end."),
    (1, "healthcheck: the daemon is not well, or there is none."),
    (2, "The command line or the settings are wrong; where and why is said on standard error."),
    (3, "libpurple, or the first worker, did not start."),
    (4, "The place to listen is taken or not allowed."),
    (5, "The system refused something else."),
    (6, "libpurple ended by itself; the service manager should start the daemon again."),
];

/// Writes the files into `folder`, which is made if it is missing.
///
/// # Errors
/// What the file system says.
pub(crate) fn generate(material: Material, folder: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::System("the generated files", error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    match material {
        Material::Man => {
            let date = date();
            std::fs::write(folder.join("bellflower.1"), program(&date)).map_err(failed)?;
            std::fs::write(folder.join("bellflower.toml.5"), file_format(&date)).map_err(failed)?;
            std::fs::write(folder.join("bellflower-plugins.7"), plugins(&date)).map_err(failed)
        }
        Material::Completions => {
            let mut command = cli::public();
            for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
                clap_complete::generate_to(shell, &mut command, "bellflower", folder).map_err(failed)?;
            }
            Ok(())
        }
    }
}

/// Of the pages: packagers set SOURCE_DATE_EPOCH, so that the same source gives the same bytes; today otherwise.
fn date() -> String {
    let packaged = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let time = packaged.and_then(bridge::time::Timestamp::from_seconds).unwrap_or_else(bridge::time::Timestamp::now);
    time.to_string().chars().take(10).collect()
}

/// A page under way, and whether its section has just begun.
struct Page(Roff, bool);

impl Page {
    fn new(name: &str, section: &str, date: &str, about: &str) -> Self {
        let mut roff = Roff::new();
        let source = format!("bellflower {}", env!("CARGO_PKG_VERSION"));
        roff.control("TH", [name.to_uppercase().as_str(), section, date, source.as_str()]);
        roff.control("SH", ["NAME"]);
        roff.text([roman(format!("{name} - {about}"))]);
        Self(roff, false)
    }

    fn section(&mut self, title: &str) {
        self.0.control("SH", [title]);
        self.1 = true;
    }

    fn text(&mut self, inlines: impl Into<Vec<Inline>>) {
        self.0.text(inlines);
        self.1 = false;
    }

    /// Leaves room above, but for the first one of a section.
    fn apart(&mut self) {
        if !std::mem::replace(&mut self.1, false) {
            self.0.control("PP", []);
        }
    }

    fn paragraph(&mut self, inlines: impl Into<Vec<Inline>>) {
        self.apart();
        self.0.text(inlines);
    }

    /// An entry with its explanation.
    fn entry(&mut self, term: impl Into<Vec<Inline>>, text: impl Into<Vec<Inline>>) {
        self.1 = false;
        self.0.control("TP", []);
        self.0.text(term);
        self.0.text(text);
    }

    /// An entry of a list.
    fn item(&mut self, text: impl Into<Vec<Inline>>) {
        self.1 = false;
        self.0.control("IP", ["\\(bu", "2"]);
        self.0.text(text);
    }

    /// Lines as they are.
    fn literal(&mut self, lines: &[&str]) {
        self.apart();
        self.0.control("nf", []);
        for line in lines {
            self.0.text([roman(*line)]);
        }
        self.0.control("fi", []);
    }

    /// The page's text, in lines of at most 80 bytes where words allow it, as mandoc wants it.
    fn finish(self) -> String {
        let mut wrapped = String::new();
        for line in self.0.to_roff().lines() {
            let mut length = 0;
            for (number, word) in line.split(' ').enumerate() {
                // A line that begins with one of these would be a command.
                let may_begin = !line.starts_with('.') && !word.starts_with(['.', '\'', '(']) && !word.is_empty();
                if number > 0 && may_begin && length + 1 + word.len() > 80 {
                    wrapped.push('\n');
                    length = 0;
                } else if number > 0 {
                    wrapped.push(' ');
                    length += 1;
                }
                wrapped.push_str(word);
                length += word.len();
            }
            wrapped.push('\n');
        }
        wrapped
    }
}

/// A doc comment's text: what stands between backticks is set in bold.
fn marked(text: &str) -> Vec<Inline> {
    text.split('`').enumerate().map(|(number, part)| if number % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

/// bellflower(1)
fn program(date: &str) -> String {
    let command = cli::public();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut page = Page::new("bellflower", "1", date, &about);
    page.section("SYNOPSIS");
    page.text([
        bold("bellflower"),
        roman(" "),
        italic("COMMAND"),
        roman(" ["),
        bold("-c"),
        roman(" "),
        italic("FILE"),
        roman("] ["),
        bold("--"),
        italic("SETTING"),
        roman(" "),
        italic("VALUE"),
        roman("] ..."),
    ]);
    page.section("DESCRIPTION");
    page.text([roman(
        "Bellflower is a daemon that speaks every network libpurple has a protocol for, for many users at once, and serves a web page on \
         which they chat. It runs in the foreground, logs to standard error, and tells systemd when it is ready and that it is well.",
    )]);
    page.section("COMMANDS");
    for sub in command.get_subcommands() {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        page.entry([bold(sub.get_name())], [roman(format!("{about}."))]);
        for inner in sub.get_subcommands() {
            let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
            page.entry([bold(format!("{} {}", sub.get_name(), inner.get_name()))], [roman(format!("{about}."))]);
        }
    }
    page.section("OPTIONS");
    let file = |flag: &str| [bold(flag), roman(" "), italic("FILE")];
    page.entry(
        [file("-c").to_vec(), vec![roman(", ")], file("--config").to_vec()].concat(),
        [
            roman("Read the settings from this file; without it, every setting has its default. Also as "),
            bold("BELLFLOWER_CONFIG"),
            roman("."),
        ],
    );
    page.entry(
        [bold("--"), italic("SETTING"), roman(" "), italic("VALUE")],
        [
            roman("Each key of "),
            bold("bellflower.toml"),
            roman("(5) is a flag of every command that reads settings, with hyphens for dots and underscores, and wins over the file: "),
            bold("--limits-users"),
            roman(" for "),
            italic("users"),
            roman(" in "),
            italic("[limits]"),
            roman(". The values of a list are separated by commas."),
        ],
    );
    page.entry([bold("-h"), roman(", "), bold("--help")], [roman("Explain the command and each of its flags, with defaults.")]);
    page.entry([bold("-V"), roman(", "), bold("--version")], [roman("Print the version.")]);
    page.section("ENVIRONMENT");
    page.entry(
        [bold("BELLFLOWER_"), italic("SETTING")],
        [roman("Each setting, as for the flags, in capitals with underscores: "), bold("BELLFLOWER_LIMITS_USERS"), roman(". Flags win.")],
    );
    page.entry(
        [bold("RUST_LOG")],
        [
            roman("What is logged, as "),
            italic("LEVEL"),
            roman(" or "),
            italic("TARGET=LEVEL"),
            roman(" with commas between; default "),
            bold("info,libpurple=warn"),
            roman("."),
        ],
    );
    page.entry([bold("STATE_DIRECTORY")], [roman("Where data is kept when "), italic("data_dir"), roman(" is not set; systemd sets it.")]);
    page.section("EXIT STATUS");
    for (code, meaning) in EXIT_CODES {
        page.entry([bold(code.to_string())], [roman(*meaning)]);
    }
    page.section("SIGNALS");
    page.entry(
        [bold("SIGTERM"), roman(", "), bold("SIGINT"), roman(", "), bold("SIGQUIT")],
        [
            roman("End: polls are answered, accounts signed off, workers ended; what is still under way after "),
            italic("timeouts.stop"),
            roman(" is cut."),
        ],
    );
    page.entry(
        [bold("SIGHUP")],
        [
            roman("Read the settings again. The log says of each changed key whether it counts from now on ("),
            roman(crate::reload::TAKEN_OVER.join(", ")),
            roman(") or takes a restart. Wrong settings change nothing. When the daemon's terminal was closed, end."),
        ],
    );
    page.entry(
        [bold("SIGUSR1"), roman(", "), bold("SIGUSR2"), roman(", "), bold("SIGALRM")],
        [roman("Nothing, but for a line in the log.")],
    );
    page.section("FILES");
    page.entry([italic(CONFIG_FILE)], [roman("The settings of the packaged service, all shown with their defaults.")]);
    page.entry([italic("/var/lib/bellflower")], [roman("The data of the packaged service.")]);
    page.section("EXAMPLES");
    page.text([roman("Serve to one's own machine, with nothing set up, and print the address:")]);
    page.literal(&["bellflower serve"]);
    page.paragraph([roman("Check the settings of the service before it is restarted:")]);
    page.literal(&["bellflower check -c /etc/bellflower/bellflower.toml"]);
    page.paragraph([roman("See what a new plugin offers, or why it is not taken:")]);
    page.literal(&["bellflower plugins -c /etc/bellflower/bellflower.toml"]);
    page.section("SEE ALSO");
    let others = [("bellflower.toml", "(5), "), ("bellflower-plugins", "(7), "), ("systemctl", "(1), "), ("journalctl", "(1)")];
    page.text(others.into_iter().flat_map(|(name, section)| [bold(name), roman(section)]).collect::<Vec<_>>());
    page.finish()
}

/// bellflower-plugins(7), from docs/plugins.md
fn plugins(date: &str) -> String {
    let mut page = Page::new("bellflower-plugins", "7", date, "protocol plugins of bellflower");
    markdown::add(&mut page, include_str!("../docs/plugins.md"));
    page.finish()
}

/// bellflower.toml(5)
fn file_format(date: &str) -> String {
    let mut page = Page::new("bellflower.toml", "5", date, "settings of bellflower");
    page.section("SYNOPSIS");
    page.text([italic(CONFIG_FILE)]);
    page.section("DESCRIPTION");
    page.text([roman(
        "A file in TOML. Every key has a default and can be left out; a key that does not exist, or a value that is not allowed, keeps the \
         daemon from starting, and its place in the file is told.",
    )]);
    page.text([
        bold("bellflower check"),
        roman(" tells it beforehand. The daemon reads the file when it starts and on SIGHUP; see SIGNALS in bellflower(1)."),
    ]);
    page.paragraph([
        roman("Lengths of time are texts like "),
        bold("500ms"),
        roman(", "),
        bold("25s"),
        roman(", "),
        bold("10m"),
        roman(", "),
        bold("12h"),
        roman(", "),
        bold("1h30m"),
        roman(", "),
        bold("7d"),
        roman(" or "),
        bold("0"),
        roman("."),
    ]);
    let keys = config::keys();
    page.section("GENERAL");
    for key in keys.iter().filter(|key| !key.path.contains('.')) {
        describe(&mut page, key, &key.path);
    }
    for (name, about) in config::sections() {
        page.section(&format!("[{name}]"));
        page.text(marked(&about));
        let prefix = format!("{name}.");
        for key in &keys {
            if let Some(short) = key.path.strip_prefix(&prefix) {
                describe(&mut page, key, short);
            }
        }
    }
    page.section("SEE ALSO");
    page.text([bold("bellflower"), roman("(1), "), bold("bellflower-plugins"), roman("(7)")]);
    page.finish()
}

fn describe(page: &mut Page, key: &Key, name: &str) {
    let takes = match (key.kind, key.range) {
        (Kind::Text, _) => "text".to_owned(),
        (Kind::Bool, _) => "true or false".to_owned(),
        (Kind::List, _) => "list of texts".to_owned(),
        (Kind::Number, Some((low, high))) => format!("number from {low} to {high}"),
        (Kind::Number, None) => "number".to_owned(),
    };
    let default = match key.default.as_deref() {
        None => "no default".to_owned(),
        Some("") => "default: none".to_owned(),
        Some(default) => format!("default: {default}"),
    };
    page.entry([bold(name), roman(format!(" ({takes}; {default})"))], marked(&key.help));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What a reader sees of a page: no fonts, and lines as they come.
    fn plain(page: &str) -> String {
        let unformatted = ["\\fB", "\\fI", "\\fR"].iter().fold(page.to_owned(), |text, font| text.replace(font, ""));
        unformatted.replace("\\-", "-").lines().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_program_s_page_names_every_command_and_exit_code() {
        let page = program("2026-11-22");
        for sub in cli::command().get_subcommands() {
            assert_eq!(page.contains(&format!(".TP\n\\fB{}\\fR\n", sub.get_name())), !sub.is_hide_set(), "{}", sub.get_name());
        }
        assert!(page.contains(".TP\n\\fBuser add\\fR\n") && page.contains(".TP\n\\fBdb backup\\fR\n"), "{page}");
        for code in 0..=6 {
            assert!(page.contains(&format!(".TP\n\\fB{code}\\fR\n")), "{code}");
        }
    }

    #[test]
    fn the_file_s_page_names_every_key_in_its_section_with_default_and_help() {
        let page = file_format("2026-11-22");
        for key in config::keys() {
            let (section, name) =
                key.path.split_once('.').map_or(("GENERAL".to_owned(), key.path.as_str()), |(s, n)| (format!("[{s}]"), n));
            let (_, rest) = page.split_once(&format!(".SH {section}\n")).unwrap_or_else(|| panic!("no section {section}"));
            let part = rest.split("\n.SH ").next().unwrap();
            let (_, entry) = part.split_once(&format!(".TP\n\\fB{name}\\fR (")).unwrap_or_else(|| panic!("{} is missing", key.path));
            let entry = plain(entry.split("\n.TP").next().unwrap());
            assert!(entry.contains(&key.help.replace('`', "")), "{}: {entry}", key.path);
            if let Some(default) = key.default.filter(|default| !default.is_empty()) {
                assert!(entry.contains(&format!("; default: {default})")), "{}: {entry}", key.path);
            }
        }
        assert!(page.contains("number from 10000 to 55000; default: 25000"), "{page}");
    }

    #[test]
    fn generated_files_are_complete_and_taken() {
        let folder = std::env::temp_dir().join(format!("bellflower-generated-{}", std::process::id()));
        generate(Material::Man, &folder).unwrap();
        generate(Material::Completions, &folder).unwrap();
        for name in ["bellflower.bash", "_bellflower", "bellflower.fish"] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            for sub in cli::public().get_subcommands() {
                assert!(text.contains(sub.get_name()), "{name}: {}", sub.get_name());
            }
            assert!(!text.contains("generate"), "{name} offers what is for packagers");
            for key in config::keys() {
                assert!(text.contains(&key.flag()), "{name}: {}", key.path);
            }
        }
        let taken = Command::new("bash").arg("-n").arg(folder.join("bellflower.bash")).status().unwrap();
        assert!(taken.success());
        for (name, title) in [
            ("bellflower.1", ".TH BELLFLOWER 1 "),
            ("bellflower.toml.5", ".TH BELLFLOWER.TOML 5 "),
            ("bellflower-plugins.7", ".TH BELLFLOWER-PLUGINS 7 "),
        ] {
            assert!(std::fs::read_to_string(folder.join(name)).unwrap().contains(title), "{name}");
            match Command::new("mandoc").args(["-T", "lint", "-W", "style"]).arg(folder.join(name)).output() {
                Ok(told) => assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout)),
                Err(error) => println!("NOT CHECKED: {name}, mandoc: {error}"),
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
