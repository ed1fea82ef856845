-- One row. swept: up to this intent, the Idempotency-Keys of requests that are a day old are free again.
-- known_since: every key that was used since then is known here; a store that was made or put back from a
-- copy does not know those before. seen_at: when the store was last seen in use.
CREATE TABLE key_watch (
        id          SMALLINT NOT NULL PRIMARY KEY,
        swept       BIGINT   NOT NULL,
        known_since BIGINT   NOT NULL,
        seen_at     BIGINT   NOT NULL
);
