"""Objectives, penalties and networks that several papers share."""
