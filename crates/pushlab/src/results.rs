//! The files of a run. Every record is on the disk as soon as its trial ends.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
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
        let records =
            OpenOptions::new().create_new(true).append(true).open(path.join(RECORDS)).with_context(cannot)?;
        // A file system without locks is no reason not to measure.
        let _ = records.try_lock();
        let mut folder = Self { path, records };
        // Last, so that every folder with a manifest has a file for its records, and is locked.
        if let Err(error) = folder.replace_manifest(manifest) {
            // Nothing was measured, and without a manifest it is no run.
            let _ = fs::remove_dir_all(&folder.path);
            return Err(error);
        }
        Ok(folder)
    }

    /// Opens the folder of an interrupted run and locks it. Writes nothing. A record that was not written to its
    /// end is left out; the run's warnings say so.
    ///
    /// # Errors
    /// If the folder is not that of a run that this version can read, or another process writes to it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Run)> {
        let cannot = |file: &str| {
            let file = path.join(file);
            format!("{} cannot be opened: is {} the folder of a run?", file.display(), path.display())
        };
        if let Err(error) = fs::metadata(path.join(MANIFEST)) {
            return Err(error).with_context(|| cannot(MANIFEST));
        }
        // `results/latest` is a link, which may point to another run by the end of this one.
        let path = path.canonicalize().with_context(|| cannot(MANIFEST))?;
        let records = OpenOptions::new().append(true).open(path.join(RECORDS));
        let records = records.with_context(|| cannot(RECORDS))?;
        lock(&records, &path)?;
        let run = read(&path)?;
        Ok((Self { path, records }, run))
    }

    /// Goes on with an interrupted run: cuts off a record that was not written to its end, and replaces the
    /// manifest.
    pub(crate) fn go_on(&mut self, manifest: &Manifest) -> Result<()> {
        let file = self.path.join(RECORDS);
        let cannot = || format!("{} cannot be written to", file.display());
        let text = fs::read(&file).with_context(cannot)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let last = &text[whole..];
        if serde_json::from_slice::<TrialRecord>(last).is_ok() {
            // Only its line end is missing.
            self.records.write_all(b"\n").with_context(cannot)?;
        } else if !last.is_empty() {
            self.records.set_len(whole as u64).with_context(cannot)?;
        }
        self.replace_manifest(manifest)
    }

    /// Writes the manifest. It is on the disk before any record, because a record means nothing without it.
    fn replace_manifest(&mut self, manifest: &Manifest) -> Result<()> {
        let path = self.path.join(MANIFEST);
        write(&path, &serde_json::to_string(manifest)?)?;
        let synced = File::open(&path).and_then(|file| file.sync_all());
        synced.with_context(|| format!("{} cannot be written (is the disk full?)", path.display()))
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

impl Drop for ResultsFolder {
    fn drop(&mut self) {
        // A child that is being started has a copy of the file until its `exec`, which would keep the lock.
        let _ = self.records.unlock();
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

/// The pages of a report that was written, a line each.
pub(crate) fn pages_text(folder: &Path, files: &[OutputFile]) -> String {
    let names = [("report", "report.html"), ("all claims", "claims.html")];
    let written = names.iter().filter(|(_, name)| files.iter().any(|file| file.path == *name));
    let lines = written.map(|(label, name)| format!("{label}: {}", folder.join(name).display()));
    lines.collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Manifest and first two records of the reference run; the second has characters of two and three bytes.
    fn texts() -> [String; 3] {
        let reference = Path::new("../../results/reference");
        let read = |name: &str| fs::read_to_string(reference.join(name)).unwrap();
        let records = read(RECORDS);
        let mut lines = records.lines().map(|line| format!("{line}\n"));
        let (first, second) = (lines.next().unwrap(), lines.next().unwrap());
        [read(MANIFEST), first, second.replacen("\"cpu\":\"", "\"cpu\":\"é✗ ", 1)]
    }

    #[test]
    fn a_record_that_is_cut_short_costs_no_other() {
        let [manifest, first, second] = texts();
        let folder = tempfile::tempdir().unwrap();
        let records = folder.path().join(RECORDS);
        fs::write(folder.path().join(MANIFEST), manifest).unwrap();
        let (text, inside) = (format!("{first}{second}"), first.len() + second.find('é').unwrap());
        let near = |place: usize| place.saturating_sub(6)..(place + 6).min(text.len() + 1);
        let spread = (first.len()..text.len()).step_by(997);
        let mut ends: Vec<usize> =
            near(inside).chain(near(first.len() + 6)).chain(near(text.len())).chain(spread).collect();
        ends.sort_unstable();
        ends.dedup();
        for end in ends {
            fs::write(&records, &text.as_bytes()[..end]).unwrap();
            let (mut opened, run) = ResultsFolder::open(folder.path()).unwrap();
            assert_eq!(fs::read(&records).unwrap().len(), end, "nothing is lost by looking at it");
            opened.go_on(&run.manifest).unwrap();
            let is_whole = end + 1 >= text.len();
            let expected = if is_whole { &text } else { &first };
            assert_eq!(fs::read_to_string(&records).unwrap(), *expected, "cut at {end}");
            assert_eq!(run.records.len(), if is_whole { 2 } else { 1 }, "cut at {end}");
            let is_said = run.warnings.iter().any(|warning| warning.contains("is cut short"));
            assert_eq!(is_said, !is_whole && end > first.len(), "cut at {end}: {:?}", run.warnings);
        }
    }

    #[test]
    fn a_folder_in_use_is_not_opened_twice() {
        let results = tempfile::tempdir().unwrap();
        let manifest: Manifest = serde_json::from_str(&texts()[0]).unwrap();
        let held = ResultsFolder::create(results.path(), &manifest).unwrap();
        let error = ResultsFolder::open(held.path()).unwrap_err().to_string();
        assert!(error.contains("is being written by another pushlab"), "{error}");
        let path = held.path().to_owned();
        drop(held);
        assert!(ResultsFolder::open(&path).is_ok());
    }
}
