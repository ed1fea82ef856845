-- Whose fee builder_fee_tenth_bp is approved for: an approval is worth nothing to another. NULL: not known,
-- to be asked for again.
ALTER TABLE account ADD COLUMN builder BYTEA;
