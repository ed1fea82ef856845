-- What each step of an intent asks, and the signed bytes that ask it (journal/letter.h), while the intent
-- is not final. They lie in the row that goes when it is: whoever reads the file later finds no signature
-- in it that could be sent again.
ALTER TABLE intent_open ADD COLUMN letters BYTEA;
