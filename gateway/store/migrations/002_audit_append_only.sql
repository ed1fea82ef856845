-- SQLite's dialect: another engine says the same with its own trigger or by revoking the rights.
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
        SELECT RAISE(ABORT, 'audit is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
        SELECT RAISE(ABORT, 'audit is append-only');
END;
