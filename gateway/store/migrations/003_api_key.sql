-- Keys of bots. kind: 1 HMAC, whose material is a sealed secret; 2 Ed25519, whose material is the public
-- key. scopes: bits, 1 read, 2 trade. ip_allow: networks with a blank between them, empty: any.
-- expires_at 0: never.
CREATE TABLE api_key (
        id         BYTEA    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        brand      TEXT     NOT NULL,
        account    BYTEA    NOT NULL CHECK (length(account) = 20),
        name       TEXT     NOT NULL,
        kind       SMALLINT NOT NULL CHECK (kind IN (1, 2)),
        scopes     SMALLINT NOT NULL,
        ip_allow   TEXT     NOT NULL,
        material   BYTEA    NOT NULL,
        created_at BIGINT   NOT NULL,
        expires_at BIGINT   NOT NULL
);
CREATE INDEX api_key_account ON api_key (brand, account);
