//! The closed vocabularies of the contract.
//!
//! A word that this version does not know is kept in `Other`, so that a newer server never breaks an older client. Whoever
//! takes input (the server, the provider) refuses such words with [`Words::expected`].

/// What all vocabularies have in common.
pub trait Words: Sized + for<'a> From<&'a str> {
    /// The words that this version knows, in the order in which the documentation lists them.
    const KNOWN: &'static [&'static str];

    /// The word as it is on the wire.
    fn as_str(&self) -> &str;

    /// Whether this version knows the word.
    fn is_known(&self) -> bool {
        Self::KNOWN.contains(&self.as_str())
    }

    /// The known word in any letter case, or by the number of its place among them, as clients of schedules write it.
    fn from_any_case(text: &str) -> Option<Self> {
        let known = Self::KNOWN.iter().find(|known| known.eq_ignore_ascii_case(text));
        known.or_else(|| Self::KNOWN.get(text.parse::<usize>().ok()?)).map(|known| Self::from(known))
    }

    /// What to tell somebody who wrote another word.
    fn expected() -> String {
        format!("must be one of {}", Self::KNOWN.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
    }
}

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $variant_doc])+ $variant,)+
            /// A word that this version does not know.
            Other(String),
        }

        impl $crate::api::values::Words for $name {
            const KNOWN: &'static [&'static str] = &[$($word),+];

            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::api::values::Words::as_str(self))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::api::values::Words::as_str(self))
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(word.as_ref()))
            }
        }

        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                let descriptions = [$(concat!($($variant_doc),+)),+];
                $crate::api::schema::vocabulary(generator, concat!($($doc),+), <Self as $crate::api::values::Words>::KNOWN, &descriptions)
            }
        }
    )+};
}
pub(crate) use words;

words! {
    /// What a task does when it runs.
    TaskType {
        /// Runs the task's own Go script.
        Script = "script",
        /// Removes expired SAML sessions.
        SamlSessionCleanup = "saml_session_cleanup",
        /// Deletes audit log entries past their retention.
        AuditLogCleanup = "audit_log_cleanup",
        /// Removes expired trusted-device records.
        TrustedDeviceExpiry = "trusted_device_expiry",
        /// Delivers pending user messages.
        UserMessageDelivery = "user_message_delivery",
        /// Expires overdue access requests.
        AccessRequestExpiry = "access_request_expiry",
        /// Rebuilds the cache of preset definitions.
        PresetCacheRefresh = "preset_cache_refresh",
        /// Deletes agent tokens that nobody uses.
        AgentTokenCleanup = "agent_token_cleanup",
    }

    /// What makes a task run without a trigger.
    ScheduleType {
        /// A cron expression.
        Cron = "cron",
        /// At most one time, at `run_at`; without `run_at` only a trigger runs the task.
        Once = "once",
    }

    /// What happens when a task fires while one of its runs is active.
    OverlapPolicy {
        /// The new run starts at once; runs may be concurrent.
        Allow = "allow",
        /// The new run is dropped and recorded as cancelled, with the reason.
        Skip = "skip",
        /// The new run waits for its turn, first in first out.
        Queue = "queue",
        /// The active run is cancelled and the new one starts.
        Replace = "replace",
    }

    /// Where a run is in its life.
    RunStatus {
        /// Recorded, and waiting for its turn or for a free worker.
        Queued = "queued",
        /// At work.
        Running = "running",
        /// Ended well.
        Success = "success",
        /// Ended badly; `error` says why.
        Error = "error",
        /// Never started, or stopped on purpose; `reason` says why.
        Cancelled = "cancelled",
    }

    /// What made a run.
    Trigger {
        /// A tick of the task's cron expression.
        Cron = "cron",
        /// Somebody asked for it.
        Manual = "manual",
        /// The `run_at` of a `once` task.
        Once = "once",
    }

    /// What a warning about a task is about.
    WarningKind {
        /// Times of day that the clocks skip, so that the tick comes later.
        Moved = "moved",
        /// Times of day that the clocks show twice, of which only the first counts.
        RunsOnce = "runs_once",
        /// A day with fewer ticks than usual.
        FewerTicks = "fewer_ticks",
        /// A day with more ticks than usual.
        MoreTicks = "more_ticks",
        /// Day of month and day of week are given, and one of them is enough.
        EitherDay = "either_day",
        /// Day of month and day of week are given, and both must match.
        BothDays = "both_days",
        /// Fires in leap years only.
        LeapDayOnly = "leap_day_only",
        /// Nobody could parse and compile the script.
        SyntaxNotChecked = "syntax_not_checked",
    }
}

impl TaskType {
    /// The seven types that the server brings itself, with their default cron expression and what they do.
    pub const BUILT_IN: [(Self, &'static str, &'static str); 7] = [
        (Self::SamlSessionCleanup, "0 * * * *", "Remove expired SAML sessions"),
        (Self::AuditLogCleanup, "0 3 * * *", "Delete audit log entries older than the retention"),
        (Self::TrustedDeviceExpiry, "*/5 * * * *", "Remove expired trusted device records"),
        (Self::UserMessageDelivery, "*/5 * * * *", "Deliver pending user messages"),
        (Self::AccessRequestExpiry, "*/5 * * * *", "Expire overdue access requests"),
        (Self::PresetCacheRefresh, "0 */6 * * *", "Rebuild the preset definition cache"),
        (Self::AgentTokenCleanup, "0 4 * * *", "Delete agent tokens unused for more than 7 days"),
    ];

    /// Whether the task runs its own script.
    pub fn is_script(&self) -> bool {
        *self == Self::Script
    }
}

impl RunStatus {
    /// Whether a run with this status will never change again.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Success | Self::Error | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_survives_a_round_trip() {
        let status: RunStatus = serde_json::from_str("\"paused\"").unwrap();
        assert_eq!(status, RunStatus::Other("paused".into()));
        assert!(!status.is_known());
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"paused\"");
    }

    #[test]
    fn the_expectation_lists_every_word() {
        assert_eq!(OverlapPolicy::expected(), "must be one of `allow`, `skip`, `queue`, `replace`");
    }
}
