"""Sources besides servers: records of data repositories, local files, and objects of stores."""
