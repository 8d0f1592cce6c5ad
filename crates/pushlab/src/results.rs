//! The files of a run. Every record is on the disk as soon as its trial ends.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use contract::{Manifest, TrialRecord};
use report::{OutputFile, Run};

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
        lock(&records, &path)?;
        Ok(Self { path, records })
    }

    /// Opens the folder of an interrupted run, and cuts off a record that was not written to its end; the run's
    /// warnings say so.
    ///
    /// # Errors
    /// If the folder is not that of a run that this version can read, or another process writes to it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Run)> {
        let file = path.join(RECORDS);
        let manifest = path.join(MANIFEST);
        if !manifest.is_file() {
            bail!("{} does not exist: is {} the folder of a run?", manifest.display(), path.display());
        }
        let cannot = || format!("{} cannot be written to", file.display());
        // A run that was killed at once has no records yet.
        let records = OpenOptions::new().create(true).append(true).open(&file).with_context(cannot)?;
        lock(&records, path)?;
        let run = read(path)?;
        let text = fs::read(&file).with_context(cannot)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut folder = Self { path: path.to_owned(), records };
        let last = &text[whole..];
        if serde_json::from_slice::<TrialRecord>(last).is_ok() {
            // Only its line end is missing.
            folder.records.write_all(b"\n").with_context(cannot)?;
        } else if !last.is_empty() {
            folder.records.set_len(whole as u64).with_context(cannot)?;
        }
        Ok((folder, run))
    }

    /// Replaces the manifest.
    pub(crate) fn replace_manifest(&mut self, manifest: &Manifest) -> Result<()> {
        write(&self.path.join(MANIFEST), &serde_json::to_string(manifest)?)
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

    /// Writes a trial's interval log.
    pub(crate) fn add_interval_log(&self, record: &TrialRecord, log: &str) -> Result<()> {
        let folder = self.path.join(INTERVAL_LOGS);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        let TrialRecord { order, scenario, pattern, block, .. } = record;
        write(&folder.join(format!("{order:03}-{scenario}-{pattern}-block{block}.hlog")), log)
    }
}

/// Takes the lock of a run's records; it ends with the process, however that ends.
fn lock(records: &File, folder: &Path) -> Result<()> {
    match records.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            bail!("{} is being written by another pushlab: wait for its end, or end it", folder.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", folder.display()))
        }
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
    Run::parse(&manifest, records).with_context(|| format!("the run in {} cannot be read", folder.display()))
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
fn write(path: &Path, text: &str) -> Result<()> {
    let draft = path.with_extension("draft");
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.with_context(|| format!("{} cannot be written (is the disk full?)", path.display()))
}
