"""The revisions of the registry's schema, each as it was; models of today play no part in them."""
