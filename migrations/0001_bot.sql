-- What the bot remembers. Portable between SQLite and PostgreSQL: times are BIGINT milliseconds
-- since 1970, identities of ours are text, JSON is text.

CREATE TABLE people (
    person BIGINT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    name TEXT NOT NULL,
    username TEXT,
    granted_by TEXT NOT NULL,
    granted_at BIGINT NOT NULL
);

-- Everybody else. Only the newest are kept, so that a flood of strangers does not fill the disk.
CREATE TABLE strangers (
    person BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    username TEXT,
    times BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);

-- Only a hash is kept: whoever reads the database cannot become the admin.
CREATE TABLE claim_links (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE chats (
    chat BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    forum BOOLEAN NOT NULL DEFAULT FALSE,
    theme TEXT NOT NULL DEFAULT 'light' CHECK (theme IN ('light', 'dark')),
    alerts BOOLEAN NOT NULL DEFAULT FALSE,
    alerts_thread BIGINT,
    -- Why the bot cannot write there; NULL while it can.
    lost TEXT,
    -- The chat was told which right is missing for pinning.
    pin_told BOOLEAN NOT NULL DEFAULT FALSE,
    seen_at BIGINT NOT NULL
);

-- Groups that became supergroups.
CREATE TABLE chat_moves (
    old_chat BIGINT NOT NULL PRIMARY KEY,
    new_chat BIGINT NOT NULL
);

-- The newest facts of a topic, so that a caption can be written without its graph worker.
CREATE TABLE panel_topics (
    topic TEXT NOT NULL PRIMARY KEY,
    facts TEXT,
    state TEXT
);

CREATE TABLE panels (
    topic TEXT NOT NULL,
    chat BIGINT NOT NULL,
    thread BIGINT,
    -- NULL: to be posted with the next picture.
    message BIGINT,
    pin TEXT NOT NULL CHECK (pin IN ('wanted', 'pinned', 'refused')),
    file_id TEXT,
    picture TEXT,
    generation BIGINT NOT NULL,
    PRIMARY KEY (topic, chat)
);

CREATE TABLE watches (
    topic TEXT NOT NULL PRIMARY KEY,
    view TEXT,
    wanted TEXT NOT NULL CHECK (wanted IN ('running', 'stopped')),
    added_by TEXT NOT NULL,
    added_at BIGINT NOT NULL
);

CREATE TABLE inbox (
    update_id BIGINT NOT NULL PRIMARY KEY,
    chat BIGINT,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('new', 'handled', 'poisoned'))
);
CREATE INDEX inbox_by_state ON inbox (state, update_id);

CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    incident TEXT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- The newest incident of each key; `incident` is the id of the alert that opened it.
CREATE TABLE incidents (
    key TEXT NOT NULL PRIMARY KEY,
    incident TEXT NOT NULL,
    newest TEXT NOT NULL,
    newest_at BIGINT NOT NULL,
    open BOOLEAN NOT NULL
);

-- One message per incident and chat. It is due while `wanted` is not `shown`.
CREATE TABLE alert_messages (
    incident TEXT NOT NULL,
    chat BIGINT NOT NULL,
    thread BIGINT,
    message BIGINT,
    wanted TEXT NOT NULL,
    shown TEXT,
    failed TEXT,
    PRIMARY KEY (incident, chat)
);

-- What one chat must be told once; kept until Telegram has taken it, and then as the proof.
CREATE TABLE notices (
    key TEXT NOT NULL,
    chat BIGINT NOT NULL,
    thread BIGINT,
    html TEXT NOT NULL,
    at BIGINT NOT NULL,
    message BIGINT,
    failed TEXT,
    PRIMARY KEY (key, chat)
);

CREATE TABLE door_messages (
    key TEXT NOT NULL,
    chat BIGINT NOT NULL,
    message BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'picture')),
    PRIMARY KEY (key, chat)
);

-- Confirmation cards and the like: what a button means that does not fit into 64 bytes.
CREATE TABLE drafts (
    id TEXT NOT NULL PRIMARY KEY,
    chat BIGINT NOT NULL,
    person BIGINT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    person BIGINT NOT NULL,
    name TEXT NOT NULL,
    chat BIGINT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL
);

CREATE TABLE kv (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
