-- Run once, by a superuser, on a new Postgres 18 (compose does it). Two logins, neither with superpowers:
--   frontdesk_owner   owns the database and changes its schema: `frontdesk migrate`
--   frontdesk         owns nothing: web, worker, scheduler
\getenv password FRONTDESK_DB_PASSWORD
create role frontdesk_owner login createrole nosuperuser nobypassrls password :'password';
create role frontdesk login nosuperuser nobypassrls noinherit password :'password';
create database frontdesk owner frontdesk_owner;
\connect frontdesk
create extension if not exists vector;
