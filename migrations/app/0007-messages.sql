-- The outbox carries e-mail, webhooks and chat. `message_id` is what the receiver recognises a second copy by;
-- `event` says what happened. Everything that is there was for the search indexer.
ALTER TABLE outbox
  ADD COLUMN message_id CHAR(36) NOT NULL DEFAULT '' AFTER id,
  ADD COLUMN channel VARCHAR(20) NOT NULL DEFAULT 'webhook' AFTER event,
  ADD COLUMN recipient VARCHAR(190) NOT NULL DEFAULT 'indexer' AFTER channel,
  ADD COLUMN href VARCHAR(500) NULL AFTER body,
  ADD COLUMN acknowledged_at DATETIME(3) NULL;

UPDATE outbox
   SET message_id = event,
       acknowledged_at = sent_at,
       state = CASE state WHEN 'waiting' THEN 'pending' WHEN 'sent' THEN 'acknowledged' ELSE state END;

ALTER TABLE outbox
  DROP KEY outbox_event,
  DROP COLUMN sent_at,
  ADD UNIQUE KEY outbox_message (message_id),
  MODIFY message_id CHAR(36) NOT NULL,
  MODIFY event VARCHAR(60) NOT NULL,
  MODIFY channel VARCHAR(20) NOT NULL,
  MODIFY recipient VARCHAR(190) NOT NULL,
  MODIFY state VARCHAR(20) NOT NULL DEFAULT 'pending',
  DROP KEY outbox_due,
  ADD KEY outbox_due (state, channel, next_at);

UPDATE outbox SET event = 'rows.changed' WHERE event = message_id;

-- What a person is told of.
ALTER TABLE message
  ADD COLUMN event VARCHAR(60) NOT NULL DEFAULT '' AFTER person,
  MODIFY href VARCHAR(500) NULL;
