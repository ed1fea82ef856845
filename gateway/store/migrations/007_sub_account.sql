-- Whose sub-account an intent's account is, and which one a key acts for. NULL: the wallet itself.
ALTER TABLE intent ADD COLUMN master BYTEA;
ALTER TABLE api_key ADD COLUMN sub_account BYTEA;
