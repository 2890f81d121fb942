"""Reporting: tables for people and their programs, each defined once and written in every form."""
