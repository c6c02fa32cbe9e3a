//! The users that the settings name: those declared in the configuration file, or a file of their
//! own.

use super::Engine;
use crate::acl::file;
use crate::command::access::basis;
use crate::error::ServerError;

impl Engine {
    /// Takes the users from where the settings say.
    pub fn load_users(&self) -> Result<(), ServerError> {
        let services = &self.services;
        let basis = basis(&services.config);
        let lines = services.config.user_lines();
        if let Some(path) = services.config.acl_file() {
            if let Some(line) = lines.first() {
                return Err(ServerError::Usage(format!(
                    "{}: users are declared here, and there is a file of users (aclfile); use one \
                     or the other",
                    line.place
                )));
            }
            let users = file::read(basis, &path).map_err(ServerError::Usage)?;
            services.acl.replace(basis, users);
            return Ok(());
        }
        let lines = lines.iter().map(|line| (line.place.as_str(), line.words.as_slice()));
        services.acl.add(file::declared(basis, lines).map_err(ServerError::Usage)?);
        Ok(())
    }
}
