-- Room for a sealed key. Keys that stand in clear stay as they are, for programs that read this column, until
-- “oneway credentials encrypt-again” seals them.
ALTER TABLE external_tool MODIFY `key` VARCHAR(2000) NULL;
