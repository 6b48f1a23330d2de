"""What the law on personal data asks of whoever keeps a health record: consents, requests, deadlines, retention.

Law: Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15 and Nghị định 356/2025/NĐ-CP. Texts, deadlines, retention
classes and processing activities are data beside this module, each row with its article and the days it is in force.
"""
