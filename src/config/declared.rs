//! Lines of redis.conf that are no settings: `user` and `rename-command`.

use std::path::PathBuf;

use super::{Config, Setting};

/// A line that declares a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserLine {
    /// Where it stands, for errors.
    pub(crate) place: String,
    /// Does it stand in the configuration file itself, which CONFIG REWRITE writes?
    pub(crate) in_file: bool,
    /// The name, and the rules.
    pub(crate) words: Vec<Vec<u8>>,
}

/// A command that goes by another name, or by none if that is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// Where this was said, for errors.
    pub(crate) place: String,
    pub(crate) old: String,
    pub(crate) new: String,
}

impl Config {
    /// Adds the declaration of a user; `false` if there is one of that name.
    pub(super) fn declare_user(&self, line: UserLine) -> bool {
        let mut users = self.users.write();
        if users.iter().any(|known| known.words.first() == line.words.first()) {
            return false;
        }
        users.push(line);
        true
    }

    /// The users that were declared.
    pub(crate) fn user_lines(&self) -> Vec<UserLine> {
        self.users.read().clone()
    }

    pub(super) fn rename_command(&self, renamed: Renamed) {
        self.renamed.write().push(renamed);
    }

    /// The commands that go by other names, in the order in which that was said.
    pub(crate) fn renamed_commands(&self) -> Vec<Renamed> {
        self.renamed.read().clone()
    }

    /// The file of users, if there is one; a path without a root starts at the data folder.
    pub(crate) fn acl_file(&self) -> Option<PathBuf> {
        let file = self.text(Setting::AclFile);
        (!file.is_empty()).then(|| PathBuf::from(self.text(Setting::Dir)).join(file))
    }
}
