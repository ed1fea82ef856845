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

-- What the gateway is about to do, is doing or did at the venue, as it was before anything left: rows
-- are added at the end and never change. owner and epoch are the fence: a node whose epoch is older
-- than the latest one on record may not touch the intent any more.
-- state: 0 reserved, 1 sent, 2 done, 3 rejected, 4 unknown.
-- steps: 65 bytes each: action, 16 bytes filled up with zeros; state, one byte; nonce, 8 (0: none yet);
-- expires_after, 8; digest, 32.
-- orders: 32 bytes each: cloid, 16; oid, 8; role, 8 bytes filled up with zeros. Numbers big endian.
CREATE TABLE intent (
        number     INTEGER  NOT NULL PRIMARY KEY, -- 64 bits; elsewhere it is called BIGINT
        brand      TEXT     NOT NULL,
        account    BYTEA    NOT NULL CHECK (length(account) = 20),
        id         BYTEA    NOT NULL CHECK (length(id) = 16),
        signer     BYTEA    NOT NULL CHECK (length(signer) = 20),
        kind       TEXT     NOT NULL,
        symbol     TEXT     NOT NULL,
        client_id  TEXT     NOT NULL,
        idempotency_key TEXT NOT NULL,
        request_digest BYTEA NOT NULL CHECK (length(request_digest) = 32),
        created_at BIGINT   NOT NULL,
        updated_at BIGINT   NOT NULL,
        state      SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 4),
        owner      TEXT     NOT NULL,
        epoch      BIGINT   NOT NULL,
        steps      BYTEA    NOT NULL CHECK (length(steps) % 65 = 0),
        orders     BYTEA    NOT NULL CHECK (length(orders) % 32 = 0),
        request    TEXT
);

-- What became of it: takes the place of the columns of the same names. Absent until the first update.
CREATE TABLE intent_outcome (
        number     INTEGER  NOT NULL PRIMARY KEY REFERENCES intent (number),
        updated_at BIGINT   NOT NULL,
        state      SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 4),
        owner      TEXT     NOT NULL,
        epoch      BIGINT   NOT NULL,
        steps      BYTEA    NOT NULL CHECK (length(steps) % 65 = 0),
        orders     BYTEA    NOT NULL CHECK (length(orders) % 32 = 0),
        answer_status SMALLINT NOT NULL,
        answer     TEXT
);

-- WITHOUT ROWID below is SQLite's word for a table that is kept in the order of its key; another
-- engine leaves it out. These rows are written before their intent's: what is taken is found out
-- while there is nothing to undo. So they don't reference it.

-- The id of each intent and the cloids of its orders. The cloid leads the key: where cloids grow with
-- time, each is added at the end.
CREATE TABLE intent_cloid (
        cloid      BYTEA    NOT NULL CHECK (length(cloid) = 16),
        account    BYTEA    NOT NULL,
        brand      TEXT     NOT NULL,
        number     BIGINT   NOT NULL,
        PRIMARY KEY (cloid, account, brand)
) WITHOUT ROWID;

-- The names that traders choose. kind: 1 the client id, of an order only (a cancel carries that of
-- what it cancels); 2 the idempotency key. An account's names lie together, so that an order with both
-- changes few pages.
CREATE TABLE intent_name (
        account    BYTEA    NOT NULL,
        brand      TEXT     NOT NULL,
        kind       SMALLINT NOT NULL,
        name       TEXT     NOT NULL,
        number     BIGINT   NOT NULL,
        PRIMARY KEY (account, brand, kind, name)
) WITHOUT ROWID;

-- Those that are not final: whose state is reserved, sent or unknown.
CREATE TABLE intent_open (
        created_at BIGINT   NOT NULL,
        number     BIGINT   NOT NULL,
        PRIMARY KEY (created_at, number)
) WITHOUT ROWID;

-- Every nonce that a signing address has reserved, for good: the belt to the ledger's braces, one
-- signature per nonce whatever else goes wrong. Nonces grow with time, so they lead the key.
CREATE TABLE signer_nonce (
        nonce      BIGINT   NOT NULL,
        signer     BYTEA    NOT NULL CHECK (length(signer) = 20),
        number     BIGINT   NOT NULL,
        PRIMARY KEY (nonce, signer)
) WITHOUT ROWID;

-- The highest of them: where the ledger goes on.
CREATE TABLE signer_highest (
        signer     BYTEA    NOT NULL PRIMARY KEY CHECK (length(signer) = 20),
        nonce      BIGINT   NOT NULL
) WITHOUT ROWID;

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
