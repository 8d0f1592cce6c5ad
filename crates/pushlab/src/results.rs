//! The files of a run. Every record is on the disk as soon as its trial ends.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use contract::{Manifest, TrialRecord};
use report::{CLAIMS, OutputFile, Run};

const MANIFEST: &str = "manifest.json";
const RECORDS: &str = "records.jsonl";
/// Folder of the interval logs.
const INTERVAL_LOGS: &str = "hdr";

/// The folder `results/<UTC time>-<name>` of a run in progress.
#[derive(Debug)]
pub(crate) struct ResultsFolder {
    path: PathBuf,
    records: File,
}

impl ResultsFolder {
    /// Creates the folder and writes the manifest.
    pub(crate) fn create(results: &Path, manifest: &Manifest) -> Result<Self> {
        let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut path = results.join(format!("{stamp}-{}", manifest.name));
        fs::create_dir_all(results)
            .with_context(|| format!("the results cannot be written to {}", results.display()))?;
        // Two runs within a second must not share a folder: the run that creates it owns it.
        for twin in 2.. {
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    path = results.join(format!("{stamp}-{}-{twin}", manifest.name));
                }
                made => {
                    made.with_context(|| format!("the results cannot be written to {}", path.display()))?;
                    break;
                }
            }
        }
        let cannot = || format!("the results cannot be written to {}", path.display());
        write(&path.join(MANIFEST), &serde_json::to_string(manifest)?)?;
        let records =
            OpenOptions::new().create_new(true).append(true).open(path.join(RECORDS)).with_context(cannot)?;
        Ok(Self { path, records })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a record, as one line in one write.
    pub(crate) fn append(&mut self, record: &TrialRecord) -> Result<()> {
        let mut line = serde_json::to_string(record)?;
        line.push('\n');
        self.records.write_all(line.as_bytes()).and_then(|()| self.records.sync_data()).with_context(|| {
            format!(
                "a record cannot be written to {0} (is the disk full?); the records before it are intact: \
                 `pushlab report {0}` writes their report",
                self.path.display()
            )
        })
    }

    /// Keeps the claims that the run is asked about, so that a report written again has the same.
    pub(crate) fn add_claims(&self, text: &[u8]) -> Result<()> {
        write(&self.path.join(CLAIMS), text)
    }

    /// Writes a trial's interval log.
    pub(crate) fn add_interval_log(&self, record: &TrialRecord, log: &str) -> Result<()> {
        let folder = self.path.join(INTERVAL_LOGS);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        let TrialRecord { order, scenario, pattern, block, .. } = record;
        write(&folder.join(format!("{order:03}-{scenario}-{pattern}-block{block}.hlog")), log)
    }
}

/// Reads a run's files.
pub(crate) fn read(folder: &Path) -> Result<Run> {
    let cannot = |name: &str| {
        let file = folder.join(name);
        format!("{} cannot be read: is {} the folder of a run?", file.display(), folder.display())
    };
    let manifest = fs::read_to_string(folder.join(MANIFEST)).with_context(|| cannot(MANIFEST))?;
    // Bytes: a line that was cut within a character must not spoil the others.
    let records = fs::read(folder.join(RECORDS)).with_context(|| cannot(RECORDS))?;
    let mut run = Run::parse(&manifest, records)
        .with_context(|| format!("the run in {} cannot be read", folder.display()))?;
    match fs::read(folder.join(CLAIMS)) {
        Ok(text) => run = run.with_claims(&text),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        // The measurements are worth a report without claims.
        Err(error) => run.warnings.push(format!("no claims: {CLAIMS} cannot be read: {error}")),
    }
    Ok(run)
}

/// Whether a run's report was written, which is the last that `bench` does.
pub(crate) fn has_report(folder: &Path) -> bool {
    folder.join("summary.json").is_file()
}

/// Writes the report's files into a run's folder.
pub(crate) fn write_report(folder: &Path, files: &[OutputFile]) -> Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("{} cannot be created", parent.display()))?;
        }
        write(&path, &file.content)?;
    }
    Ok(())
}

/// Points `results/latest` to a run.
pub(crate) fn point_latest(folder: &Path) -> Result<()> {
    let (Some(results), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Ok(());
    };
    let latest = results.join("latest");
    if latest.is_symlink() {
        fs::remove_file(&latest).with_context(|| format!("{} cannot be replaced", latest.display()))?;
    }
    std::os::unix::fs::symlink(name, &latest)
        .with_context(|| format!("{} cannot be created", latest.display()))
}

/// Writes a draft beside the file and renames it, so that a full disk leaves the old file whole.
fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    let draft = path.with_extension("draft");
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.with_context(|| format!("{} cannot be written (is the disk full?)", path.display()))
}
