"""Who somebody is to this dashboard, what they may do and how often; the pages and the API only ask."""
