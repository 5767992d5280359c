"""The response cache as the engine sees it: a ``ModelHost`` around a ``ModelHost`` that makes nothing twice."""
