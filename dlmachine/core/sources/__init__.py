"""Data repositories: the files of DOIs and of records of Zenodo, figshare and Dataverse."""
