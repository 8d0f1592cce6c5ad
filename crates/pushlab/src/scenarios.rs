//! Finding and reading scenario files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use contract::{Arrivals, Pattern, Scenario, Selection};
use load_harness::TrialSpec;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use report::{CLAIMS, Claim, check_claims, read_claims};
use schedule::Schedule;

use crate::exit::Failure;

/// A scenario, with the text of the file that it replays.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) scenario: Scenario,
    /// The argument that names it: its name, or the path of its file.
    pub(crate) asked: String,
    pub(crate) replay_csv: Option<String>,
    /// The folder of its file.
    pub(crate) folder: PathBuf,
}

impl Loaded {
    /// Its own file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.toml", self.scenario.name))
    }

    /// The files that it uses: its own, the file that it replays, and the folders of the servers that it names.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.file()];
        if let Arrivals::Replay { file } = &self.scenario.events {
            files.push(self.folder.join(file));
        }
        let foreign = self.scenario.servers.iter().filter(|server| server.is_foreign());
        files.extend(foreign.map(|server| self.folder.join("targets").join(server.as_str())));
        files
    }

    fn patterns_by_default(&self) -> usize {
        let trials = self.scenario.trials(Selection::Default);
        Pattern::ALL.iter().filter(|pattern| trials.iter().any(|plan| plan.pattern == **pattern)).count()
    }

    /// The trials of a selection with their schedules, each once, in the order of the file.
    pub(crate) fn orders(&self, selection: Selection, seed: u64) -> Result<Vec<TrialSpec>, Failure> {
        let order = |plan: contract::TrialPlan| {
            let settings = &plan.settings;
            let schedule = Schedule::build(
                &settings.events,
                self.replay_csv.as_deref(),
                seed,
                settings.schedule_length(),
                settings.payload_bytes,
            )
            .map_err(Failure::usage)?;
            Ok(TrialSpec {
                replay_csv: self.replay_csv.clone(),
                poll_phase: poll_phase(seed, 1),
                ..TrialSpec::new(&self.scenario.name, plan, schedule)
            })
        };
        self.scenario.trials(selection).into_iter().map(order).collect()
    }

    /// The trials of a selection in blocks: each block holds every trial once, in a random order of its own
    /// from the seed. So a drift of the machine affects all trials alike, and no trial always runs after the
    /// heaviest one.
    pub(crate) fn blocks(
        &self,
        selection: Selection,
        seed: u64,
        blocks: u32,
    ) -> Result<Vec<TrialSpec>, Failure> {
        let once = self.orders(selection, seed)?;
        let mut random = stream(seed, ORDER_STREAM);
        let mut all = Vec::new();
        for block in 1..=blocks {
            let mut shuffled = once.clone();
            shuffled.shuffle(&mut random);
            let poll_phase = poll_phase(seed, block);
            all.extend(shuffled.into_iter().map(|order| TrialSpec { block, poll_phase, ..order }));
        }
        Ok(all)
    }
}

/// From this similarity of Jaro and Winkler on, a name may be a misspelt other one.
const ALIKE: f64 = 0.8;

/// Random streams of the seed; the schedule uses the first two.
const PHASE_STREAM: u64 = 2;
const ORDER_STREAM: u64 = 3;

fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// The seeded start of the golden-ratio poll phases of a block (from 1), in `[0, 1)`. A single draw would
/// affect all blocks alike, and no interval would show its effect.
pub(crate) fn poll_phase(seed: u64, block: u32) -> f64 {
    let mut phases = stream(seed, PHASE_STREAM).random_iter();
    phases.nth(block.saturating_sub(1) as usize).unwrap_or(0.0)
}

/// All scenarios of a folder.
pub(crate) fn all(folder: &Path) -> Result<Vec<Loaded>, Failure> {
    let mut loaded = by_name(folder)?;
    // Scenarios that compare more patterns, and those in more blocks, come first in every list and report.
    let weight = |loaded: &Loaded| (loaded.patterns_by_default(), loaded.scenario.blocks(Selection::Default));
    loaded.sort_by_key(|loaded| std::cmp::Reverse(weight(loaded)));
    Ok(loaded)
}

/// All scenarios of a folder, by name.
pub(crate) fn by_name(folder: &Path) -> Result<Vec<Loaded>, Failure> {
    files(folder)?.iter().map(|file| load(file)).collect()
}

/// The scenario files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| {
            format!(
                "no scenarios in {}: run pushlab in its checkout, or give a folder with --scenarios",
                folder.display()
            )
        })
        .map_err(Failure::Usage)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| path.file_name().is_some_and(|name| name != CLAIMS))
        .collect();
    files.sort();
    Ok(files)
}

/// The text of a file of claims, and the claims.
pub(crate) type ClaimsFile = (Vec<u8>, Vec<Claim>);

/// The file of claims of a folder, checked against all scenarios of the folder; none if it has no
/// such file.
pub(crate) fn claims(folder: &Path) -> Result<Option<ClaimsFile>, Failure> {
    let file = folder.join(CLAIMS);
    if !file.is_file() {
        return Ok(None);
    }
    let shown = file.display().to_string();
    let read = || -> anyhow::Result<ClaimsFile> {
        let text = fs::read(&file).with_context(|| format!("{shown} cannot be read"))?;
        let claims = read_claims(&shown, &text)?;
        Ok((text, claims))
    };
    let (text, claims) = read().map_err(Failure::Usage)?;
    let scenarios: Vec<Scenario> = by_name(folder)?.into_iter().map(|loaded| loaded.scenario).collect();
    check_claims(&claims, &scenarios).with_context(|| shown.clone()).map_err(Failure::Usage)?;
    Ok(Some((text, claims)))
}

/// One scenario, by its name in the folder or by the path of its file.
pub(crate) fn named(folder: &Path, name: &str) -> Result<Loaded, Failure> {
    let by_path = name.ends_with(".toml");
    let file = if by_path { PathBuf::from(name) } else { folder.join(format!("{name}.toml")) };
    if file.file_name().is_some_and(|name| name == CLAIMS) {
        let error = anyhow::anyhow!("`{name}` is the file of claims, not a scenario");
        return Err(Failure::Usage(error));
    }
    if !by_path && !file.is_file() {
        let files = files(folder)?;
        let known = files.iter().filter_map(|file| file.file_stem()?.to_str());
        let nearest = known
            .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), known), known))
            .max_by(|(left, _), (right, _)| left.total_cmp(right));
        let hint = match nearest {
            Some((likeness, nearest)) if likeness > ALIKE => format!("did you mean `{nearest}`? "),
            Some(_) | None => String::new(),
        };
        let all = files.len();
        let error =
            anyhow::anyhow!("there is no scenario `{name}`: {hint}`just bench --list` lists all {all}");
        return Err(Failure::Usage(error));
    }
    let mut loaded = load(&file)?;
    name.clone_into(&mut loaded.asked);
    Ok(loaded)
}

/// The scenario of a file.
pub(crate) fn load(file: &Path) -> Result<Loaded, Failure> {
    let read = || -> anyhow::Result<Loaded> {
        let shown = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
        let scenario = Scenario::from_toml(&shown, &text)?;
        report::check_thresholds(&scenario).with_context(|| shown.clone())?;
        let replay_csv = match &scenario.events {
            Arrivals::Replay { file: csv } => {
                let path = file.with_file_name(csv);
                let text = fs::read_to_string(&path).with_context(|| {
                    format!("{shown}: `events.file` is {csv}, but {} cannot be read", path.display())
                })?;
                if text.len() > 64 << 20 {
                    bail!("{} is larger than 64 MiB", path.display());
                }
                Some(text)
            }
            Arrivals::Steady { .. }
            | Arrivals::Poisson { .. }
            | Arrivals::Bursts { .. }
            | Arrivals::Ramp { .. }
            | Arrivals::Silence => None,
        };
        let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(Loaded { asked: scenario.name.clone(), scenario, replay_csv, folder })
    };
    read().map_err(Failure::Usage)
}
