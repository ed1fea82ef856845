-- An agent that is waiting for the wallet's approval beside the one in use.
ALTER TABLE agent ADD COLUMN is_next SMALLINT NOT NULL DEFAULT 0;
DROP INDEX agent_current;
CREATE UNIQUE INDEX agent_current ON agent (brand, account) WHERE retired_at IS NULL AND is_next = 0;
CREATE UNIQUE INDEX agent_next ON agent (brand, account) WHERE retired_at IS NULL AND is_next = 1;
