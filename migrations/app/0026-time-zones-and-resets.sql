-- In which time zone a person reads times; null until the person, or the browser at a sign-in, has said it.
ALTER TABLE person ADD COLUMN time_zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;

-- A person may have several links to choose a new password that work, so that nobody else can end one by asking again.
ALTER TABLE invitation
  ADD KEY invitation_of (person_id, kind),
  DROP PRIMARY KEY,
  DROP KEY invitation_token,
  ADD PRIMARY KEY (token_hash);
