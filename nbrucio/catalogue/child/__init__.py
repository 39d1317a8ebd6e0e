"""rucio-clients, in a process of its own: logins by Kerberos, and uploads.

Never imported in the process of a user: another version of rucio-clients may be loaded there already, and the libraries
below it read settings of the whole process.
"""
