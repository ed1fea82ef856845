-- Dead man's switches: one for an account and one for each of its API keys (key: its id; empty: the
-- account's own). wallet is who signed in, account whose orders they are: the same, or a sub-account.
-- deadline 0: not armed. may_be_set: the venue may have a timer for the account that this switch stands behind;
-- a row is gone when it is neither armed nor that, and has never fired.
CREATE TABLE dead_man (
        brand      TEXT     NOT NULL,
        account    BYTEA    NOT NULL CHECK (length(account) = 20),
        key        BYTEA    NOT NULL CHECK (length(key) = 0 OR length(key) = 16),
        wallet     BYTEA    NOT NULL CHECK (length(wallet) = 20),
        timeout_ms BIGINT   NOT NULL,
        armed_at   BIGINT   NOT NULL,
        deadline   BIGINT   NOT NULL,
        fired_at   BIGINT   NOT NULL,
        cancelled  BIGINT   NOT NULL,
        may_be_set SMALLINT NOT NULL,
        PRIMARY KEY (brand, account, key)
);

-- Which API key asked for an intent; a session's have no row.
CREATE TABLE intent_key (
        number     INTEGER  NOT NULL PRIMARY KEY,
        key        BYTEA    NOT NULL CHECK (length(key) = 16)
);
