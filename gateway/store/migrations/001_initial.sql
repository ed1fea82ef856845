-- The schema, in the part of SQL that SQLite and PostgreSQL share: TEXT, BIGINT, SMALLINT and BYTEA
-- (a column without affinity to SQLite), partial indexes, ON CONFLICT. Times are wall ms.
-- A file of this folder, once released, is never edited: a change is a new file.

-- A brand's key, wrapped under the master key.
CREATE TABLE brand_key (
        brand      TEXT     NOT NULL PRIMARY KEY,
        wrapped    BYTEA    NOT NULL
);

CREATE TABLE account (
        brand      TEXT     NOT NULL,
        address    BYTEA    NOT NULL CHECK (length(address) = 20),
        terms_version TEXT  NOT NULL,
        terms_at   BIGINT   NOT NULL,
        created_at BIGINT   NOT NULL,
        builder_nonce BIGINT NOT NULL,
        builder_fee_tenth_bp BIGINT NOT NULL,
        PRIMARY KEY (brand, address)
);

-- Every agent there ever was. The primary key is what keeps an address from being used twice: the
-- venue forgets the nonces of an agent it has pruned, so an old signature could run again. A retired
-- agent's sealed key is erased.
CREATE TABLE agent (
        agent      BYTEA    NOT NULL PRIMARY KEY CHECK (length(agent) = 20),
        brand      TEXT     NOT NULL,
        account    BYTEA    NOT NULL,
        name       TEXT     NOT NULL,
        sealed     BYTEA,
        approved   SMALLINT NOT NULL,
        valid_until BIGINT  NOT NULL,
        nonce      BIGINT   NOT NULL,
        created_at BIGINT   NOT NULL,
        retired_at BIGINT,
        FOREIGN KEY (brand, account) REFERENCES account (brand, address),
        CHECK ((retired_at IS NULL) = (sealed IS NOT NULL))
);
CREATE UNIQUE INDEX agent_current ON agent (brand, account) WHERE retired_at IS NULL;

CREATE TABLE session (
        token_hash BYTEA    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
        brand      TEXT     NOT NULL,
        address    BYTEA    NOT NULL CHECK (length(address) = 20),
        created_at BIGINT   NOT NULL,
        expires_at BIGINT   NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);

-- The highest nonce ever reserved by a signing address.
CREATE TABLE signer_nonce (
        signer     BYTEA    NOT NULL PRIMARY KEY CHECK (length(signer) = 20),
        highest    BIGINT   NOT NULL
);

-- What the gateway is about to do, is doing or did at the venue. owner and epoch are the fence: a
-- node whose epoch is older than the row's may not touch it any more.
CREATE TABLE intent (
        brand      TEXT     NOT NULL,
        id         BYTEA    NOT NULL CHECK (length(id) = 16),
        account    BYTEA    NOT NULL CHECK (length(account) = 20),
        signer     BYTEA    NOT NULL CHECK (length(signer) = 20),
        kind       TEXT     NOT NULL,
        symbol     TEXT     NOT NULL,
        client_id  TEXT,
        idempotency_key TEXT,
        request_digest BYTEA NOT NULL CHECK (length(request_digest) = 32),
        created_at BIGINT   NOT NULL,
        updated_at BIGINT   NOT NULL,
        state      TEXT     NOT NULL
                   CHECK (state IN ('reserved', 'sent', 'done', 'rejected', 'unknown')),
        owner      TEXT     NOT NULL,
        epoch      BIGINT   NOT NULL,
        request    TEXT,
        answer     TEXT,
        answer_status SMALLINT NOT NULL,
        PRIMARY KEY (brand, id)
);
CREATE UNIQUE INDEX intent_idempotency ON intent (brand, account, idempotency_key)
        WHERE idempotency_key IS NOT NULL;
-- Only an order's client id names the order; a cancel carries the id of what it cancels.
CREATE UNIQUE INDEX intent_client ON intent (brand, account, client_id)
        WHERE kind = 'order' AND client_id IS NOT NULL;
CREATE INDEX intent_open ON intent (created_at, brand, id)
        WHERE state IN ('reserved', 'sent', 'unknown');

CREATE TABLE intent_step (
        brand      TEXT     NOT NULL,
        intent     BYTEA    NOT NULL,
        position   SMALLINT NOT NULL,
        action     TEXT     NOT NULL,
        state      TEXT     NOT NULL
                   CHECK (state IN ('reserved', 'sent', 'done', 'rejected', 'unknown')),
        signer     BYTEA    NOT NULL,
        nonce      BIGINT,
        expires_after BIGINT NOT NULL,
        digest     BYTEA    NOT NULL CHECK (length(digest) = 32),
        PRIMARY KEY (brand, intent, position),
        FOREIGN KEY (brand, intent) REFERENCES intent (brand, id)
);
-- The belt to the ledger's braces: one signature per nonce, whatever else goes wrong.
CREATE UNIQUE INDEX intent_step_nonce ON intent_step (signer, nonce) WHERE nonce IS NOT NULL;

CREATE TABLE intent_order (
        brand      TEXT     NOT NULL,
        account    BYTEA    NOT NULL,
        cloid      BYTEA    NOT NULL CHECK (length(cloid) = 16),
        intent     BYTEA    NOT NULL,
        position   SMALLINT NOT NULL,
        role       TEXT     NOT NULL,
        oid        BIGINT   NOT NULL,
        PRIMARY KEY (brand, account, cloid),
        FOREIGN KEY (brand, intent) REFERENCES intent (brand, id)
);
CREATE UNIQUE INDEX intent_order_place ON intent_order (brand, intent, position);

-- Per brand numbered from 1 without a gap. hash = BLAKE2b-256 over prev_hash, then brand, seq, at,
-- actor, action and detail, numbers as 8 bytes and texts preceded by their length as 8 bytes, big
-- endian; the first prev_hash is 32 zero bytes.
CREATE TABLE audit (
        brand      TEXT     NOT NULL,
        seq        BIGINT   NOT NULL,
        at         BIGINT   NOT NULL,
        actor      TEXT     NOT NULL,
        action     TEXT     NOT NULL,
        detail     TEXT     NOT NULL,
        prev_hash  BYTEA    NOT NULL CHECK (length(prev_hash) = 32),
        hash       BYTEA    NOT NULL CHECK (length(hash) = 32),
        PRIMARY KEY (brand, seq)
);

-- One row, rewritten to find out whether the disk takes writes again.
CREATE TABLE probe (
        id         SMALLINT NOT NULL PRIMARY KEY,
        at         BIGINT   NOT NULL
);
