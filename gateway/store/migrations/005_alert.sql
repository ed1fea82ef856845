-- What traders are told of their accounts: of a topic, what its latest alert did not say already; and the webhooks that still have to
-- be told. The newest of an account are kept.
CREATE TABLE alert (
        number     INTEGER  NOT NULL PRIMARY KEY, -- 64 bits; elsewhere it is called BIGINT
        brand      TEXT     NOT NULL,
        account    BYTEA    NOT NULL CHECK (length(account) = 20),
        topic      TEXT     NOT NULL,
        cause      TEXT     NOT NULL,
        kind       TEXT     NOT NULL,
        symbol     TEXT     NOT NULL,
        at         BIGINT   NOT NULL,
        detail     TEXT     NOT NULL
);
CREATE INDEX alert_topic ON alert (brand, account, topic, number);
CREATE INDEX alert_newest ON alert (brand, account, number);

CREATE TABLE alert_delivery (
        brand      TEXT     NOT NULL,
        hook       TEXT     NOT NULL,
        number     BIGINT   NOT NULL,
        attempts   BIGINT   NOT NULL,
        next_at    BIGINT   NOT NULL,
        PRIMARY KEY (brand, hook, number)
);
CREATE INDEX alert_delivery_due ON alert_delivery (brand, hook, next_at);
CREATE INDEX alert_delivery_of ON alert_delivery (number);
