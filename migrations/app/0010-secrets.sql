-- What secrets of this environment are sealed with: its public key, for the environment before it. One line.
CREATE TABLE sealing_key (
  place TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  id CHAR(8) NOT NULL,
  public_key CHAR(44) NOT NULL
);

-- Images that former versions wrote had the key of an external tool in clear: a mark of the value takes its place,
-- which tells whether it differs.
UPDATE arrival
   SET before_image = JSON_SET(before_image, '$.key',
         CONCAT('clear.', LEFT(SHA2(JSON_UNQUOTE(JSON_EXTRACT(before_image, '$.key')), 256), 8)))
 WHERE entity = 'external_tool' AND JSON_TYPE(JSON_EXTRACT(before_image, '$.key')) = 'STRING'
   AND JSON_UNQUOTE(JSON_EXTRACT(before_image, '$.key')) NOT LIKE 'clear.________';

UPDATE arrival
   SET after_image = JSON_SET(after_image, '$.key',
         CONCAT('clear.', LEFT(SHA2(JSON_UNQUOTE(JSON_EXTRACT(after_image, '$.key')), 256), 8)))
 WHERE entity = 'external_tool' AND JSON_TYPE(JSON_EXTRACT(after_image, '$.key')) = 'STRING'
   AND JSON_UNQUOTE(JSON_EXTRACT(after_image, '$.key')) NOT LIKE 'clear.________';

UPDATE transfer_step
   SET before_image = JSON_SET(before_image, '$.key',
         CONCAT('clear.', LEFT(SHA2(JSON_UNQUOTE(JSON_EXTRACT(before_image, '$.key')), 256), 8)))
 WHERE entity = 'external_tool' AND JSON_TYPE(JSON_EXTRACT(before_image, '$.key')) = 'STRING'
   AND JSON_UNQUOTE(JSON_EXTRACT(before_image, '$.key')) NOT LIKE 'clear.________';

UPDATE transfer_step
   SET after_image = JSON_SET(after_image, '$.key',
         CONCAT('clear.', LEFT(SHA2(JSON_UNQUOTE(JSON_EXTRACT(after_image, '$.key')), 256), 8)))
 WHERE entity = 'external_tool' AND JSON_TYPE(JSON_EXTRACT(after_image, '$.key')) = 'STRING'
   AND JSON_UNQUOTE(JSON_EXTRACT(after_image, '$.key')) NOT LIKE 'clear.________';

-- Keys that were typed on sheets not sent yet: they are typed once more.
UPDATE selection
   SET choices = JSON_SET(choices, '$.locals', JSON_OBJECT())
 WHERE choices LIKE '%"locals":{"external!_tool:%' ESCAPE '!';
