//! Builds the page into the daemon (every file of web/client/dist with its tag and its packed twins) and makes the daemon answer some C symbols in
//! libpurple's stead; it compiles nothing itself, reaches no network and runs no npm.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Shown instead of a page that was not built.
const MISSING: &str = "<!doctype html><meta charset=utf-8><title>Bellflower</title>\
    <p>This Bellflower was built without its page. Run <code>make client</code>, then build it again.";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    export_interposed()?;
    build_page_in()
}

/// The list is the bridge's; a link argument reaches only the package whose build script gives it.
fn export_interposed() -> io::Result<()> {
    let path = "bridge/interposed.txt";
    println!("cargo::rerun-if-changed={path}");
    let list = fs::read_to_string(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    for name in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol={name}");
    }
    Ok(())
}

/// Writes the table that src/page.rs includes.
fn build_page_in() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let dist = root.join("web/client/dist");
    println!("cargo::rerun-if-changed=web/client/dist");
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, &dist, &mut files)?;
        files.sort();
    } else {
        println!("cargo::warning=web/client/dist is missing: the daemon is built without its page; run `make client` first");
        let path = out.join("missing.html");
        fs::write(&path, MISSING)?;
        files.push(("index.html".to_owned(), path));
    }
    let mut code = String::from("static FILES: &[web::page::File] = &[\n");
    for (number, (name, path)) in files.iter().enumerate() {
        entry(&mut code, &out, number, name, path)?;
    }
    code.push_str("];\n");
    fs::write(out.join("page.rs"), code)
}

/// Every file below `folder`, by its name below `top`; source maps stay outside.
fn collect(top: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for found in fs::read_dir(folder)? {
        let path = found?.path();
        if path.is_dir() {
            collect(top, &path, files)?;
        } else if path.extension().is_none_or(|e| e != "map")
            && let Ok(name) = path.strip_prefix(top)
        {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push((name.to_string_lossy().into_owned(), path));
        }
    }
    Ok(())
}

fn entry(code: &mut String, out: &Path, number: usize, name: &str, path: &Path) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let digest = Sha256::digest(&bytes);
    let tag: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    let kind = kind(name);
    let packed = |suffix: &str, twin: Vec<u8>| -> io::Result<String> {
        if !is_text(kind) || twin.len() + 64 > bytes.len() {
            return Ok("None".to_owned());
        }
        let path = out.join(format!("{number}.{suffix}"));
        fs::write(&path, twin)?;
        Ok(format!("Some(include_bytes!({path:?}))"))
    };
    let gzip = packed("gz", gzip(&bytes)?)?;
    let brotli = packed("br", brotli(&bytes)?)?;
    // Writing to a String cannot fail.
    let _ = writeln!(
        code,
        "    web::page::File {{ path: {name:?}, kind: {kind:?}, tag: {:?}, immutable: {}, bytes: include_bytes!({path:?}), gzip: {gzip}, brotli: {brotli} }},",
        format!("\"{tag}\""),
        is_hashed(name),
    );
    Ok(())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes)?;
    packer.finish()
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &parameters)?;
    Ok(packed)
}

/// `name-0123ABCDEF.ext`: eight or more letters and digits of a hash before the ending.
fn is_hashed(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.rsplit_once('-').is_some_and(|(_, hash)| hash.len() >= 8 && hash.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("text/") || kind.contains("json") || kind.contains("svg")
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "ogg" | "oga" => "audio/ogg",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
