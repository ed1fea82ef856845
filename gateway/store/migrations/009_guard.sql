-- Margin guards, one for a position. wallet is who signed in, account whose position it is: the same, or
-- a sub-account. Amounts are in 1e-8 of the collateral, distances in 1e-12.
-- moves counts the moves that were begun: together with id it names each, once. While one is under way
-- pending_amount is what it adds (> 0) or takes back (< 0), cash_before and size_before the
-- position's own cash and size before it.
CREATE TABLE guard (
        brand      TEXT     NOT NULL,
        account    BYTEA    NOT NULL CHECK (length(account) = 20),
        symbol     TEXT     NOT NULL,
        wallet     BYTEA    NOT NULL CHECK (length(wallet) = 20),
        id         BYTEA    NOT NULL CHECK (length(id) = 16),
        is_long    SMALLINT NOT NULL,
        min_distance BIGINT NOT NULL,
        top_up     BIGINT   NOT NULL,
        max_total  BIGINT   NOT NULL,
        take_back_above BIGINT,
        added      BIGINT   NOT NULL,
        moves      BIGINT   NOT NULL,
        pending_amount BIGINT NOT NULL,
        cash_before BIGINT  NOT NULL,
        size_before BIGINT  NOT NULL,
        pending_at BIGINT   NOT NULL,
        created_at BIGINT   NOT NULL,
        PRIMARY KEY (brand, account, symbol)
);
