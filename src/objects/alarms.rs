//! The alarm clock as all worlds of one server share it, and which of them listens to it.
//!
//! During a reload two worlds live side by side. Both may set alarms; only the newest one that serves is
//! told what is due. Deciding is the business of the [`AlarmClock`]; here are the lock and the wake-up.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::generation::Generation;

use super::alarm_clock::AlarmClock;
use super::alarm_turns::stored_alarms;
use super::demand::Extent;
use crate::storage::{AlarmIndex, AlarmRetries, StorageError};

/// Wakes a world's thread; called from other worlds' threads.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Shared {
    clock: AlarmClock,
    /// Worlds that serve, the oldest first; the last one listens.
    listeners: Vec<(Generation, Wake)>,
}

/// The alarm clock of all worlds of one server. Cheap to clone.
#[derive(Default, Clone)]
pub struct Alarms(Arc<Mutex<Shared>>);

impl std::fmt::Debug for Alarms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alarms")
    }
}

impl Alarms {
    fn with_shared<R>(&self, action: impl FnOnce(&mut Shared) -> R) -> R {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the clock or changes it on behalf of the world `by`; the world that listens is woken if it
    /// is another one.
    pub fn with<R>(&self, by: Generation, action: impl FnOnce(&mut AlarmClock) -> R) -> R {
        let (result, wake) = self.with_shared(|shared| {
            let result = action(&mut shared.clock);
            let listener = shared.listeners.last().filter(|(generation, _)| *generation != by);
            (result, listener.map(|(_, wake)| wake.clone()))
        });
        if let Some(wake) = wake {
            wake();
        }
        result
    }

    /// What `ask` gives if the world `by` is the one that listens.
    pub fn as_listener<R>(&self, by: Generation, ask: impl FnOnce(&mut AlarmClock) -> R) -> Option<R> {
        self.with_shared(|shared| {
            let listens = shared.listeners.last().is_some_and(|(generation, _)| *generation == by);
            listens.then(|| ask(&mut shared.clock))
        })
    }

    /// Forgets the alarms of `namespaces`, which changed on disk while no world had them; the next world reads
    /// them again.
    pub fn forget(&self, namespaces: &[String]) {
        self.with_shared(|shared| namespaces.iter().for_each(|namespace| shared.clock.forget(namespace)));
    }

    /// Takes in what is stored of the alarms of `extent`, which somebody outside replaced, and wakes the world that
    /// listens. `objects_dir` has the namespaces' directories, `own_dir` the retries.
    ///
    /// # Errors
    /// When a list cannot be read; its alarms are forgotten until the next world reads them.
    pub fn replaced(&self, extent: &Extent, objects_dir: &Path, own_dir: &Path) -> Result<(), StorageError> {
        let mut retries = AlarmRetries::new(own_dir);
        let known = self.with_shared(|shared| shared.clock.known());
        let mut result = Ok(());
        for namespace in known {
            let objects: Vec<_> = match extent {
                Extent::Objects(objects) => objects.iter().filter(|(key, _)| *key == namespace).collect(),
                Extent::All | Extent::Namespaces(_) => Vec::new(),
            };
            if objects.is_empty() && !extent.covers_all_of(&namespace) {
                continue;
            }
            let mut index = AlarmIndex::new(&objects_dir.join(&namespace));
            let stored = stored_alarms(&namespace, &mut index, &mut retries);
            self.with_shared(|shared| match stored {
                Ok(stored) if objects.is_empty() => {
                    shared.clock.forget(&namespace);
                    shared.clock.load(&namespace, stored);
                }
                Ok(stored) => objects.into_iter().for_each(|key| {
                    shared.clock.replace(key, stored.iter().find(|alarm| alarm.0 == key.1).cloned());
                }),
                Err(error) => {
                    shared.clock.forget(&namespace);
                    result = Err(error);
                }
            });
        }
        let wake = self.with_shared(|shared| shared.listeners.last().map(|(_, wake)| wake.clone()));
        if let Some(wake) = wake {
            wake();
        }
        result
    }

    /// The world `by` serves and listens from now on, until it stops or a newer one listens.
    pub fn listen(&self, by: Generation, wake: Wake) {
        self.with_shared(|shared| {
            shared.listeners.push((by, wake));
            shared.listeners.sort_by_key(|(generation, _)| *generation);
        });
    }

    /// The world `by` no longer listens; an older one that still serves goes on.
    pub fn stop_listening(&self, by: Generation) {
        let wake = self.with_shared(|shared| {
            shared.listeners.retain(|(generation, _)| *generation != by);
            shared.listeners.last().map(|(_, wake)| wake.clone())
        });
        if let Some(wake) = wake {
            wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_newest_world_listens_and_is_woken_by_the_others() {
        let alarms = Alarms::default();
        let (old, new) = (Generation(1), Generation(2));
        let woken: [Arc<AtomicUsize>; 2] = Default::default();
        let wake = |index: usize| -> Wake {
            let count = woken[index].clone();
            Arc::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
            })
        };
        let counts = || woken.each_ref().map(|count| count.load(Ordering::Relaxed));
        assert_eq!(alarms.as_listener(old, |_| ()), None, "it does not serve yet");
        alarms.listen(old, wake(0));
        alarms.listen(new, wake(1));
        assert_eq!(alarms.as_listener(old, |_| ()), None);
        assert_eq!(alarms.as_listener(new, |_| ()), Some(()));
        alarms.with(old, |_| ());
        alarms.with(new, |_| ());
        assert_eq!(counts(), [0, 1], "a world does not wake itself");
        alarms.stop_listening(new);
        assert_eq!(alarms.as_listener(old, |_| ()), Some(()), "a new world that was discarded");
        assert_eq!(counts(), [1, 1]);
    }
}
