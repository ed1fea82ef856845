-- Numbers that are one of a kind. reserve_merged: the generation of the reserve (store_reserve.h) that was
-- taken over last; reserve_generation, in the reserve itself: which one it holds; restored_at and
-- restored_from: when this database was put back from a backup, and when that was made.
CREATE TABLE mark (
        name       TEXT     NOT NULL PRIMARY KEY,
        value      BIGINT   NOT NULL
);
