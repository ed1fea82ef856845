-- What the venue told of an account's orders that are older than known_since (key_watch): their client order
-- ids and when they were placed, as store_past.c packs them. is_partial: there may be more of the last day.
-- A row whose known_since is not that of key_watch counts no more, and is removed.
CREATE TABLE past_order (
        account     BYTEA    NOT NULL PRIMARY KEY CHECK (length(account) = 20),
        known_since BIGINT   NOT NULL,
        is_partial  SMALLINT NOT NULL,
        orders      BYTEA    NOT NULL
);
