"""What a notebook declares, in the forms of others: citations, a metalink, an RO-Crate. One module a form."""
