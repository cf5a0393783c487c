"""A multiple listing service of Austin that is made up: records in the words of the RESO Data Dictionary."""
