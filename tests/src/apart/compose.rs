//! `docker-compose.yml` as a description of processes: which command runs, with which environment,
//! and which file it finds where. There is no container engine here; what compose says is done
//! with plain processes, so that the file cannot drift from what is tested.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What the file says.
#[derive(Debug, Clone, Deserialize)]
pub struct Compose {
    /// The containers by name.
    pub services: BTreeMap<String, Container>,
}

/// A container.
#[derive(Debug, Clone, Deserialize)]
pub struct Container {
    /// What it is started from.
    pub image: String,
    /// The arguments after the image's own entry point.
    #[serde(default)]
    pub command: Vec<String>,
    /// Its environment; values may hold `${NAME:?…}`.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// What it sees of the machine: `./here:/there:ro`.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// How many of it there are.
    #[serde(default)]
    pub deploy: Deploy,
    /// It runs only when it is asked for by one of these.
    #[serde(default)]
    pub profiles: Vec<String>,
}

/// How many.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Deploy {
    /// How many.
    pub replicas: usize,
}

impl Default for Deploy {
    fn default() -> Self {
        Self { replicas: 1 }
    }
}

impl Compose {
    /// Reads the file at the root of the repository.
    #[must_use]
    pub fn read() -> Self {
        let text = std::fs::read_to_string(root().join("docker-compose.yml")).unwrap();
        serde_saphyr::from_str(&text).unwrap()
    }

    /// The same, each after those that it asks.
    #[must_use]
    pub fn in_order(&self) -> Vec<(String, Container)> {
        let mut waiting: BTreeMap<&String, &Container> = self.ours().collect();
        let mut order = Vec::new();
        while !waiting.is_empty() {
            let asks = |container: &Container, name: &String| {
                container.environment.values().any(|value| value.contains(&format!("//{name}:7400")))
            };
            let next = waiting.iter().find(|(_, one)| !waiting.keys().any(|name| asks(one, name)));
            let (name, container) = next.map(|(name, one)| (*name, *one)).expect("no circle of questions");
            waiting.remove(name);
            order.push((name.clone(), container.clone()));
        }
        order
    }

    /// The containers of our own image that run all the time.
    pub fn ours(&self) -> impl Iterator<Item = (&String, &Container)> {
        self.services
            .iter()
            .filter(|(_, container)| container.image == "schoolbell" && container.profiles.is_empty())
    }
}

/// What stands for the names and places that only a container has.
#[derive(Debug, Clone, Default)]
pub struct Translation {
    variables: BTreeMap<String, String>,
    places: Vec<(String, String)>,
}

impl Translation {
    /// Knows the variables of an `--env-file`.
    #[must_use]
    pub fn with_variables(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        let pairs =
            text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
        let variables = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { variables, places: Vec::new() }
    }

    /// From now on `there` stands where `here` stood.
    pub fn put(&mut self, here: impl Into<String>, there: impl Into<String>) {
        self.places.push((here.into(), there.into()));
    }

    /// The files that a container sees: what compose takes from the machine, and what we take
    /// instead for some of it.
    pub fn see(&mut self, container: &Container, instead: &[(&str, PathBuf)]) {
        for volume in &container.volumes {
            let mut parts = volume.split(':');
            let (Some(machine), Some(inside)) = (parts.next(), parts.next()) else { continue };
            let Some(path) = machine.strip_prefix("./") else { continue };
            let ours = instead.iter().find_map(|(from, to)| path.strip_prefix(from).map(|rest| (to, rest)));
            let ours = match ours {
                Some((to, "")) => to.clone(),
                Some((to, rest)) => to.join(rest.trim_start_matches('/')),
                None => root().join(path),
            };
            self.put(inside, ours.display().to_string());
        }
    }

    /// A text of the file, as it is here.
    #[must_use]
    pub fn of(&self, text: &str) -> String {
        let mut text = self.filled(text);
        for (here, there) in &self.places {
            text = text.replace(here, there);
        }
        text
    }

    /// The environment of a container, as it is here.
    #[must_use]
    pub fn environment(&self, container: &Container) -> BTreeMap<String, String> {
        container.environment.iter().map(|(key, value)| (key.clone(), self.of(value))).collect()
    }

    /// With the variables in their places. One that is missing ends the test, as it ends compose.
    fn filled(&self, text: &str) -> String {
        let mut pieces = text.split("${");
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (inside, rest) = piece.split_once('}').unwrap();
            let name = inside.split(':').next().unwrap_or_default();
            filled.push_str(&self.variables[name]);
            filled.push_str(rest);
        }
        filled
    }
}

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
