-- One row of each table, as the bot writes them.
INSERT INTO people VALUES (1001, 'admin', 'Ada Lovelace', 'ada', 'claim link', 1795348800000);
INSERT INTO strangers VALUES (1666, 'Mallory', NULL, 3, 1795348800000, 1795348900000);
INSERT INTO claim_links VALUES ('9f86d081', 1795348800000, 4102444800000);
INSERT INTO chats VALUES (-2001, 'supergroup', 'Lab', TRUE, 'dark', TRUE, 12, NULL, FALSE, 1795348800000);
INSERT INTO chat_moves VALUES (-7, -1007);
INSERT INTO panel_topics VALUES ('airy.eps-4', '{"solver":"airy"}', '{"state":"running"}');
INSERT INTO panels VALUES ('airy.eps-4', -2001, 12, 55, 'pinned', 'AgACAgI', 'd41d8cd9', 2);
INSERT INTO watches VALUES ('airy.eps-4', 'E[x=0.6]', 'running', 'Ada (1001)', 1795348800000);
INSERT INTO inbox VALUES (900, -2001, '{"update_id":900}', 1795348800000, 0, 'new');
INSERT INTO alerts VALUES ('0198-a', '0198-a', 1795348800000, '{"title":"airy crashed"}');
INSERT INTO incidents VALUES ('airy 1', '0198-a', '0198-a', 1795348800000, TRUE);
INSERT INTO alert_messages VALUES ('0198-a', -2001, 12, 56, '0198-a', NULL, NULL);
INSERT INTO notices VALUES ('started 1', -2001, 12, 'airy started', 1795348800000, NULL, NULL);
INSERT INTO door_messages VALUES ('weather', -2001, 57, 'text');
INSERT INTO drafts VALUES ('k3x', -2001, 1001, '{"solver":"airy"}', 1795348800000);
INSERT INTO audit VALUES ('0198-b', 1795348800000, 1001, 'Ada Lovelace', -2001, '/run airy eps=4', 'started');
INSERT INTO kv VALUES ('bot.generation', '3');
