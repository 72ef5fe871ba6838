-- The schema of an eSignet database, as far as it is read.
CREATE SCHEMA esignet; SET search_path TO esignet;
CREATE TABLE client_detail (id varchar(100) PRIMARY KEY, name varchar(600) NOT NULL, rp_id varchar(100) NOT NULL, logo_uri varchar(2048) NOT NULL,
	redirect_uris varchar(2048) NOT NULL, claims varchar(2048) NOT NULL, acr_values varchar(1024) NOT NULL, public_key varchar(1024) NOT NULL,
	public_key_hash varchar(128) NOT NULL UNIQUE, enc_public_key varchar(1024), enc_public_key_hash varchar(128), enc_public_key_cert varchar(4000),
	grant_types varchar(512) NOT NULL, auth_methods varchar(512) NOT NULL, status varchar(20) NOT NULL, additional_config varchar(2048),
	cr_dtimes timestamp NOT NULL DEFAULT now(), upd_dtimes timestamp);
CREATE TABLE consent_detail (id varchar(36) PRIMARY KEY, client_id varchar(256) NOT NULL, psu_token varchar(256) NOT NULL, claims varchar(2048) NOT NULL,
	authorization_scopes varchar(1024) NOT NULL, cr_dtimes timestamp NOT NULL DEFAULT now(), expire_dtimes timestamp, signature varchar(1024),
	hash varchar(100), accepted_claims varchar(1024), permitted_scopes varchar(1024), UNIQUE (client_id, psu_token));
CREATE TABLE consent_history (LIKE consent_detail);
CREATE TABLE public_key_registry (id_hash varchar(100), auth_factor varchar(25), psu_token varchar(256) NOT NULL, public_key varchar(2500) NOT NULL,
	public_key_hash varchar(100) NOT NULL, expire_dtimes timestamp NOT NULL, wallet_binding_id varchar(256) NOT NULL, certificate varchar(4000) NOT NULL,
	thumbprint varchar(128) NOT NULL, cr_dtimes timestamp NOT NULL DEFAULT now(), PRIMARY KEY (id_hash, auth_factor));
