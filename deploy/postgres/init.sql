-- A database and a login for each service, none of which may look into another's. PostgreSQL's official
-- image runs this once, on an empty data folder; elsewhere: psql --file deploy/postgres/init.sql
-- (psql 14 or newer, as a superuser, with the passwords in the environment; `schoolbell keys` makes them).
\set ON_ERROR_STOP on

\getenv password POSTGRES_PASSWORD_DIRECTORY
CREATE ROLE directory LOGIN PASSWORD :'password';
CREATE DATABASE schoolbell_directory OWNER directory;
REVOKE ALL ON DATABASE schoolbell_directory FROM PUBLIC;

\getenv password POSTGRES_PASSWORD_ABSENCES
CREATE ROLE absences LOGIN PASSWORD :'password';
CREATE DATABASE schoolbell_absences OWNER absences;
REVOKE ALL ON DATABASE schoolbell_absences FROM PUBLIC;

\getenv password POSTGRES_PASSWORD_INCIDENTS
CREATE ROLE incidents LOGIN PASSWORD :'password';
CREATE DATABASE schoolbell_incidents OWNER incidents;
REVOKE ALL ON DATABASE schoolbell_incidents FROM PUBLIC;

\getenv password POSTGRES_PASSWORD_SCHEDULING
CREATE ROLE scheduling LOGIN PASSWORD :'password';
CREATE DATABASE schoolbell_scheduling OWNER scheduling;
REVOKE ALL ON DATABASE schoolbell_scheduling FROM PUBLIC;

\getenv password POSTGRES_PASSWORD_MESSAGING
CREATE ROLE messaging LOGIN PASSWORD :'password';
CREATE DATABASE schoolbell_messaging OWNER messaging;
REVOKE ALL ON DATABASE schoolbell_messaging FROM PUBLIC;

\getenv password POSTGRES_PASSWORD_DISPATCHER
CREATE ROLE dispatcher LOGIN PASSWORD :'password';
CREATE DATABASE schoolbell_dispatcher OWNER dispatcher;
REVOKE ALL ON DATABASE schoolbell_dispatcher FROM PUBLIC;

\getenv password POSTGRES_PASSWORD_WEBSITE
CREATE ROLE website LOGIN PASSWORD :'password';
CREATE DATABASE schoolbell_website OWNER website;
REVOKE ALL ON DATABASE schoolbell_website FROM PUBLIC;

\getenv password POSTGRES_PASSWORD_CONSOLE
CREATE ROLE console LOGIN PASSWORD :'password';
CREATE DATABASE schoolbell_console OWNER console;
REVOKE ALL ON DATABASE schoolbell_console FROM PUBLIC;
